"""Evaluates random expressions on both sides, and counts the outcomes."""

from __future__ import annotations

import argparse
import random
import re
import time
from collections import Counter

from bench.fuzz.clock import running
from bench.fuzz.grammar import KINDS, expression, inputs, renamed
from bench.fuzz.minimise import causes, smallest
from bench.fuzz.oracle import Oracle
from bench.fuzz.ours import Ours
from bench.fuzz.outcome import Case, Meeting
from bench.fuzz.rules import named

BATCH = 100
CHECKER = "refused by their checker only: without it, equal values"
UNNAMED = "differences without a name"


class Search:
    """Counts how often the two sides agree, and prints each form of difference once."""

    def __init__(self, oracle: Oracle, ours: Ours) -> None:
        self.oracle = oracle
        self.ours = ours
        self.counts: Counter[str] = Counter()
        self.seen: set[str] = set()

    def run(self, cases: list[Case]) -> None:
        for case, theirs in zip(cases, self.oracle.ask(cases), strict=True):
            self.counts[self.verdict(Meeting(case, self.ours.outcome(case), theirs))] += 1

    def verdict(self, met: Meeting) -> str:
        if met.case.checked and met.words == ("value", "refused"):
            # Their checker refuses some expressions that would work. Without it, both sides must still agree.
            met = Meeting(
                met.case._replace(checked=False), met.ours, self.meet(met.case._replace(checked=False)).theirs
            )
            if met.is_same:
                return CHECKER
        if met.is_same:
            return "equal values" if met.ours.word == "value" else "errors on both sides"
        met = smallest(met, self.meet)
        name = self.name(met)
        if not name:
            self.report(met)
        return name or UNNAMED

    def name(self, met: Meeting) -> str:
        """The rule of the difference, or of one inside it without which both sides agree or differ in a known way."""
        if name := named(met):
            return name
        for part, rest in causes(met, self.meet):
            if (name := named(part)) and (rest.is_same or self.name(smallest(rest, self.meet))):
                return name
        return ""

    def meet(self, case: Case) -> Meeting:
        return Meeting(case, self.ours.outcome(case), *self.oracle.ask([case]))

    def report(self, met: Meeting) -> None:
        case = met.case
        shape = re.sub(r"'[^']*'|\d+", "#", case.text)
        if shape in self.seen:
            return
        self.seen.add(shape)
        used = {name: value for name, value in case.data.items() if re.search(rf"\b{name}\b", case.text)}
        mode = "" if case.checked else "  (unchecked)"
        print(f"\nDIFFERENCE  {case.text}{mode}\n  data    {used!r}\n  ours    {met.ours}\n  theirs  {met.theirs}")


def compare(options: argparse.Namespace) -> int:
    """Search as long as the options say; return 1 if a difference has no rule, else 0."""
    oracle, dice = Oracle(options.oracle), random.Random(options.seed)
    search, started, done = Search(oracle, Ours()), time.monotonic(), 0
    tick = started
    while running(options, started, done):
        search.run([_case(dice) for _ in range(BATCH)])
        done += BATCH
        if time.monotonic() - tick > 60:
            tick = time.monotonic()
            print(f"... {done:,} {dict(search.counts)}", flush=True)
    print(f"\n{done:,} expressions, seed {options.seed}, {time.monotonic() - started:.0f} s")
    for name, count in search.counts.most_common():
        print(f"{count:>10,}  {name}")
    for text in sorted({case.text for case in oracle.deaths}, key=len)[:5]:
        print(f"THEIRS DIED  {text}")
    oracle.close()
    return 1 if search.counts[UNNAMED] else 0


def _case(dice: random.Random) -> Case:
    text = renamed(dice, expression(dice, dice.choice(KINDS), dice.randint(1, 5)))
    return Case(text, dice.random() < 0.4, inputs(dice))
