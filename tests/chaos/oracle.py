"""What became of the messages: compares what producers were told with what the sink has on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple


class Pair(NamedTuple):
    """A message: the number `n` of the producer `p`."""

    p: int
    n: int


class Arrival(NamedTuple):
    """An effect on disk. life: of the process that caused it. event: the message's id. step: its idempotency key."""

    effect: str
    pair: Pair
    life: int
    token: int = 0
    event: str = ""
    step: str = ""


def load(pair: Pair) -> str:
    """What a message carries: it tells of which pair it is, on every part of it."""
    return f"{pair.p}-{pair.n} " * 40


def key(pair: Pair) -> str:
    return f"{pair.p}-{pair.n}"


@dataclass
class Sink:
    """The arrivals in a file, in their order. torn: lines that are not whole, and parts that belong to two messages."""

    arrivals: list[Arrival] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        try:
            found = json.loads(line)
            pair = Pair(found["p"], found["n"])
        except (ValueError, KeyError):
            self.torn.append(line[:80])
            return
        if found["load"] != load(pair) or found["key"] != key(pair):
            self.torn.append(line[:80])
        told = (found[name] for name in ("life", "token", "event", "step"))
        self.arrivals.append(Arrival(found["effect"], pair, *told))


class Limits(NamedTuple):
    """What kills excuse; None for any number. See `Verdict`."""

    repeated: int
    overtaken: int | None
    reordered: int | None
    again: int | None = None
    lost: int = 0


@dataclass
class Verdict:
    """front, middle, end: lost, before, between or after those of its producer that came.

    Lost is what the producer was told that it was taken, and lacks an effect.

    unsent: arrived without ever being sent. torn: see `Sink`. half: those with one effect and not the other; where
        something may be lost, they count as that.
    repeated: arrivals of each message and effect beyond as many as it was sent.
    reordered: came after a later message of its producer, in the first life. overtaken: the same in later lives, where
        a life that was killed may have had it: its lease holds it back, and others go on.
    again: effects that came again after the one behind them in the flow had begun: a finished block has run again, or
        a block has run again with another key.
    """

    limits: Limits
    front: list[Pair] = field(default_factory=list)
    middle: list[Pair] = field(default_factory=list)
    end: list[Pair] = field(default_factory=list)
    unsent: list[Pair] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    half: list[Pair] = field(default_factory=list)
    repeated: int = 0
    reordered: set[Pair] = field(default_factory=set)
    overtaken: set[Pair] = field(default_factory=set)
    again: list[Arrival] = field(default_factory=list)

    def wrong(self) -> list[str]:
        """What breaks a promise, in words."""
        lost = [] if self.limits.lost else [("front", self.front), ("middle", self.middle), ("end", self.end)]
        found = (
            *((f"lost at the {place}", which) for place, which in lost),
            *(("never sent", self.unsent), ("torn", self.torn)),
            ("with one effect, not the other", [] if self.limits.lost else self.half),
        )
        said = [f"{what}: {len(which)}, e.g. {which[0]}" for what, which in found if which]
        for what, number, most in (
            ("lost messages", len({*self.front, *self.middle, *self.end, *self.half}), self.limits.lost or None),
            ("arrivals that came again", self.repeated, self.limits.repeated),
            ("messages that were overtaken", len(self.overtaken), self.limits.overtaken),
            ("messages out of order", len(self.reordered), self.limits.reordered),
            ("finished blocks that ran again", len(self.again), self.limits.again),
        ):
            if most is not None and number > most:
                said.append(f"{what}: {number}, of at most {most}")
        return said


def judge(
    sent: Mapping[int, int],
    told: Mapping[int, set[int]],
    sink: Sink,
    limits: Limits,
    effects: Iterable[str] = ("first", "second"),
    sends: Mapping[Pair, int] = MappingProxyType({}),
) -> Verdict:
    """sent: how many messages each producer has sent at least once. told: those whose sending was acknowledged.

    sends: how often each was sent, if more than once and nobody knows that it was the same.
    """
    verdict = Verdict(limits, torn=list(sink.torn))
    seen = {effect: {each.pair for each in sink.arrivals if each.effect == effect} for effect in effects}
    whole = set.intersection(*seen.values())
    every = set.union(*seen.values())
    for p, numbers in told.items():
        there = [n for q, n in whole if q == p]
        for n in sorted(numbers):
            if Pair(p, n) not in whole:
                place = "front" if not there or n < min(there) else "end" if n > max(there) else "middle"
                getattr(verdict, place).append(Pair(p, n))
    verdict.unsent = sorted(pair for pair in every if not 0 <= pair.n < sent.get(pair.p, 0))
    verdict.half = sorted(every - whole)
    counts = Counter((each.effect, each.pair) for each in sink.arrivals)
    verdict.repeated = sum(max(0, count - sends.get(pair, 1)) for (_, pair), count in counts.items())
    verdict.again = list(_again(sink.arrivals, tuple(effects)))
    for effect in effects:
        _order([each for each in sink.arrivals if each.effect == effect], verdict)
    return verdict


def _again(arrivals: Iterable[Arrival], effects: Sequence[str]) -> Iterator[Arrival]:
    """Effects that came again although their message was behind them, or with another key."""
    furthest: dict[str, int] = {}
    steps: dict[tuple[str, str], str] = {}
    for each in arrivals:
        if each.step:
            at = effects.index(each.effect)
            if at < furthest.get(each.event, at) or steps.setdefault((each.event, each.effect), each.step) != each.step:
                yield each
            furthest[each.event] = max(at, furthest.get(each.event, at))


def _order(arrivals: list[Arrival], verdict: Verdict) -> None:
    """Note first arrivals that came after a later message of the same producer."""
    latest: dict[int, Arrival] = {}
    known: set[Pair] = set()
    for each in arrivals:
        if each.pair in known:
            continue
        known.add(each.pair)
        before = latest.setdefault(each.pair.p, each)
        if each.pair.n < before.pair.n:
            # Only a life before the one that went on may have had the message, and kept it with its lease.
            (verdict.overtaken if before.life > 0 else verdict.reordered).add(each.pair)
        else:
            latest[each.pair.p] = each
