"""Runs a case with every fault in every call, and says what was lost and what happened twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from octo.core.settings import Effect
from octo.suite.case import Case
from octo.suite.chaos.faults import FAULTS, Fault, Faults, Injection, Made, effects
from octo.suite.configs import Configs
from octo.suite.outcome import Outcome
from octo.suite.run import run_case
from octo.testing.clock import START

MOST_CALLS = 200
"""At most this many calls of one case are explored; the rest of a long loop shows nothing new."""

Kind = Literal["unharmed", "told", "handled", "lost", "doubled", "broke"]


class Verdict(NamedTuple):
    """The effect of one fault in one call.

    unharmed: the flow ended as it did without the fault, and everything happened once.
    told: the flow failed, and its sender can try again without harm.
    handled: the flow ended well because it did something else instead; `calls` names it.
    lost: the flow ended well although `calls` did not happen, and nothing reports it.
    doubled: `calls` happens twice: the fault repeated it, or the flow failed after it was carried out, so that it is
        carried out again when the sender tries again.
    broke: the run itself did not end properly; `reason` says how.

    nth: the number of the crossing of that block, from 1.
    """

    address: str
    nth: int
    fault: Fault
    kind: Kind
    calls: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_wrong(self) -> bool:
        return self.kind in ("lost", "doubled", "broke")


class Explored(NamedTuple):
    """A case and its verdicts, in the order of its calls. skipped: why it was not explored, "" if it was."""

    case: Case
    verdicts: tuple[Verdict, ...] = ()
    skipped: str = ""


def explore(
    case: Case,
    configs: Configs,
    faults: Iterable[Fault] = FAULTS,
    tried: Callable[[int, int], object] = lambda _, __: None,
) -> Explored:
    """Run the case once for every call that it makes to the outside and every fault.

    A call that only reads cannot be lost or doubled; an idempotent call cannot be doubled (`Settings.effect`).

    tried: called after each fault with how many were tried, and how many there are.
    """
    if case.skip:
        return Explored(case, skipped=case.skip)
    case = case._replace(clock=case.clock or START, seconds=max(case.seconds, 3600.0))
    with configs.lent(case.config, case.env) as config:
        known = effects(config)
    well, outcome = _run(case, configs, known, None)
    if outcome.is_wrong:
        return Explored(case, skipped=f"it does not pass as it is: {outcome.summary}")
    verdicts = []
    injections = list(_injections(well, faults))
    for number, (injection, nth) in enumerate(injections, 1):
        made, outcome = _run(case, configs, known, injection)
        kind, calls, reason = _judged(known, well, made, outcome)
        verdicts.append(Verdict(well[injection.call].address, nth, injection.fault, kind, calls, reason))
        tried(number, len(injections))
    return Explored(case, tuple(verdicts))


def _injections(made: list[Made], faults: Iterable[Fault]) -> Iterator[tuple[Injection, int]]:
    crossed: Counter[str] = Counter()
    faults = tuple(faults)
    for index, call in enumerate(made[:MOST_CALLS]):
        crossed[call.address] += 1
        for fault in faults:
            yield Injection(index, fault), crossed[call.address]


def _run(
    case: Case, configs: Configs, known: Mapping[str, Effect], injection: Injection | None
) -> tuple[list[Made], Outcome]:
    observer = Faults(known, injection)
    outcome = run_case(case, configs, observers=[observer])
    return observer.made, outcome


def _judged(
    known: Mapping[str, Effect], well: list[Made], made: list[Made], outcome: Outcome
) -> tuple[Kind, tuple[str, ...], str]:
    if outcome.status == "errored":
        return "broke", (), outcome.reason
    wanted, done = _times(known, well), _times(known, made)
    if _ended_well(outcome):
        # A call that fails without any fault is not lost because of one.
        lost, more = _times(known, (call for call in well if not call.failed)) - done, done - wanted
        instead = tuple(address for address in more if address not in wanted)
        if lost:
            return ("handled", instead, "") if instead else ("lost", tuple(lost), "")
        doubled = tuple(address for address in more if address in wanted and known[address] == "once")
        return ("doubled", doubled, "") if doubled else ("unharmed", (), "")
    again = tuple(address for address in done if known[address] == "once")
    # `done` holds only calls that were carried out: only these happen again.
    return ("doubled", again, "if its sender tries again") if again else ("told", (), "")


def _times(known: Mapping[str, Effect], made: Iterable[Made]) -> Counter[str]:
    """How often each call that changes something was carried out."""
    times: Counter[str] = Counter()
    for call in made:
        if known[call.address] != "safe":
            times[call.address] += call.times
    return +times


def _ended_well(outcome: Outcome) -> bool:
    """Whether the sender learned that all is well; for HTTP that is a status below 500."""
    return all(happened.error is None and not _refused(happened.reply) for happened in outcome.happened)


def _refused(reply: object) -> bool:
    status = reply.get("status") if isinstance(reply, Mapping) else None
    return isinstance(status, int) and status >= 500
