"""Every call of a case, with every fault: what was lost, what happens twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from octo.core.settings import Effect
from octo.suite.case import Case
from octo.suite.chaos.faults import FAULTS, Fault, Faults, Injection, Made, effects
from octo.suite.configs import Configs
from octo.suite.outcome import Outcome
from octo.suite.run import run_case
from octo.testing.clock import START

MOST_CALLS = 200
"""Calls of one case that are explored; the rest of a long loop has nothing new to tell."""

Kind = Literal["unharmed", "told", "handled", "lost", "doubled", "broke"]


class Verdict(NamedTuple):
    """What one fault of one call led to.

    unharmed: the flow ended as without the fault, and everything happened once.
    told: the flow failed, and its sender can try again without harm.
    handled: the flow ended well because something else was done instead; `calls` names it.
    lost: the flow ended well, but `calls` did not happen, and nobody knows.
    doubled: `calls` happens twice: because the fault made it so, or because the flow failed after it was carried out,
        so that a sender who tries again has it carried out again.
    broke: the run itself did not end properly; `reason` says how.

    nth: which crossing of that block, from 1.
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
    """A case and its verdicts, in the order of its calls. skipped: why there are none, "" if there are."""

    case: Case
    verdicts: tuple[Verdict, ...] = ()
    skipped: str = ""


def explore(case: Case, configs: Configs, faults: Iterable[Fault] = FAULTS) -> Explored:
    """Run the case once for every call that it makes to the outside and every fault.

    A call that only reads cannot be lost or doubled, one that is idempotent not doubled (`Settings.effect`).
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
    for injection, nth in _injections(well, faults):
        made, outcome = _run(case, configs, known, injection)
        kind, calls, reason = _judged(known, well, made, outcome)
        verdicts.append(Verdict(well[injection.call].address, nth, injection.fault, kind, calls, reason))
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
        # What fails by itself in the undisturbed run happens no more and no less for a fault.
        lost, more = _times(known, (call for call in well if not call.failed)) - done, done - wanted
        instead = tuple(address for address in more if address not in wanted)
        if lost:
            return ("handled", instead, "") if instead else ("lost", tuple(lost), "")
        doubled = tuple(address for address in more if address in wanted and known[address] == "once")
        return ("doubled", doubled, "") if doubled else ("unharmed", (), "")
    again = tuple(address for address in done if known[address] == "once")
    # What is left undone of the failed call is not in `done`: only what was carried out happens again.
    return ("doubled", again, "if its sender tries again") if again else ("told", (), "")


def _times(known: Mapping[str, Effect], made: Iterable[Made]) -> Counter[str]:
    """How often each call that changes something was carried out."""
    times: Counter[str] = Counter()
    for call in made:
        if known[call.address] != "safe":
            times[call.address] += call.times
    return +times


def _ended_well(outcome: Outcome) -> bool:
    """Whether the sender was told that all is well, which for HTTP is a status below 500."""
    return all(happened.error is None and not _refused(happened.reply) for happened in outcome.happened)


def _refused(reply: object) -> bool:
    status = reply.get("status") if isinstance(reply, Mapping) else None
    return isinstance(status, int) and status >= 500
