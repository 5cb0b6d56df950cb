"""The report for programs: one JSON object with everything that happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from octo import __version__
from octo.core import codec
from octo.core.errors import Problem
from octo.suite.case import Suite
from octo.suite.outcome import Happened, Outcome
from octo.trace.mask import secrets

if TYPE_CHECKING:
    from octo.debug import Crossing


def results(
    suites: Sequence[Suite],
    outcomes: Sequence[Outcome],
    seconds: float,
    *,
    folder: Path | None = None,
    problems: Iterable[Problem] = (),
) -> bytes:
    """Return the report as JSON. Optional keys are left out when empty. Secrets are masked.

    {dolphin, wallMs, workDir?, totals, suites: [{path, config, flow, elapsedMs, cases}], problems?}
    """
    by_case = {outcome.case.id: outcome for outcome in outcomes}
    value = {
        "dolphin": __version__,
        "wallMs": _ms(seconds),
        "workDir": str(folder) if folder else None,
        "totals": _totals(outcomes),
        "suites": [_suite(suite, [by_case[case.id] for case in suite.cases]) for suite in suites],
        "problems": [problem.as_json() for problem in problems],
    }
    # Mask before encoding: errors contain secrets in quotes, and JSON would escape these quotes again.
    return codec.write(secrets(_filled(value, "problems", "workDir")), indent=True)


def _totals(outcomes: Sequence[Outcome]) -> dict[str, int]:
    found = [outcome.status for outcome in outcomes]
    counts = {status: found.count(status) for status in ("passed", "failed", "errored", "skipped")}
    elapsed = _ms(sum(outcome.seconds for outcome in outcomes))
    return {"cases": len(found), **counts, "notRun": found.count("not-run"), "elapsedMs": elapsed}


def _suite(suite: Suite, outcomes: Sequence[Outcome]) -> dict[str, object]:
    return {
        "path": str(suite.file),
        "config": str(suite.config),
        "flow": suite.flow,
        "elapsedMs": _ms(sum(outcome.seconds for outcome in outcomes)),
        "cases": [case_of(outcome) for outcome in outcomes],
    }


def case_of(outcome: Outcome) -> dict[str, object]:
    """What the report has of a case. Secrets are not masked yet."""
    failures = [_filled({"summary": each.summary, "detail": each.detail}, "detail") for each in outcome.failures]
    value = {
        "name": outcome.case.name,
        "status": outcome.status,
        "elapsedMs": _ms(outcome.seconds),
        "summary": outcome.summary,
        "failures": failures,
        "log": list(outcome.log),
        "reproduce": outcome.reproduce,
        "outcome": _outcome(outcome),
    }
    return _filled(value, "summary", "failures", "log", "reproduce", "outcome")


def _outcome(outcome: Outcome) -> dict[str, object]:
    """How the flow ended; if there are several calls, how each ended, under `calls`."""
    spies = [
        {"address": address, "records": [_record(each) for each in found]}
        for address, found in outcome.crossings.items()
    ]
    endings = [_ending(each) for each in outcome.happened]
    ended = endings[0] if len(endings) == 1 else {"calls": endings}
    return _filled({**ended, "spies": spies}, "spies", "calls")


def _ending(happened: Happened) -> dict[str, object]:
    value: dict[str, object] = {}
    if happened.result is not None:
        value["result"] = happened.result.as_json()
    if happened.dropped is not None:
        value |= {"dropped": True, "reason": happened.dropped}
    if happened.error is not None:
        value["error"] = happened.error
    if happened.reply is not None:
        value["reply"] = happened.reply
    return _filled(value, "reason")


def _record(crossing: Crossing) -> dict[str, object]:
    value: dict[str, object] = {"seq": crossing.seq, "at": crossing.at, "input": crossing.input.as_json()}
    if crossing.output is not None:
        value["output"] = crossing.output.as_json()
    if crossing.dropped is not None:
        value |= {"dropped": True, "reason": crossing.dropped}
    if crossing.error is not None:
        value["error"] = crossing.error
    return _filled(value, "reason")


def _filled(value: Mapping[str, object], *optional: str) -> dict[str, object]:
    return {key: each for key, each in value.items() if key not in optional or each not in (None, "", [], {})}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
