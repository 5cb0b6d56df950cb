"""Turns a recorded message into a test: the same input, and mocks that return what each outside call returned then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from octo.config.documents import Config
from octo.config.walk import blocks_of
from octo.core.errors import OctoError
from octo.debug.mocks import KINDS
from octo.suite.format import given
from octo.suite.gaps import Gaps, masks, step
from octo.trace import codes
from octo.trace.record import Record, Seen, SpanState, first, states

_USUAL = {kind.code for kind in KINDS.values()}
_NOT_RECORDED = "this call was not made when the message was recorded"


class Unusable(OctoError):
    """A trace that cannot be turned into a test."""

    code = codes.UNUSABLE


def suite_of(trace: Sequence[Record], config: Config) -> dict[str, Any]:
    """Return a test file, as data, whose one case runs the recorded message against `config`.

    Outside calls that are not in the trace fail. Raises `Unusable` if the flow no longer exists, or if the trace
    lacks what the test needs.
    """
    return made_of(trace, config).suite


class Made(NamedTuple):
    """A test file, as data, and what the trace lacks for it (`Gaps`)."""

    suite: dict[str, Any]
    root: SpanState
    gaps: Gaps

    @property
    def masked(self) -> list[str]:
        """Places in the suite where a mask replaces the real value."""
        case = self.suite["cases"][0]
        return [*masks("input", case["input"]), *masks("mocks", self.suite["mocks"])]

    @property
    def unasserted(self) -> list[str]:
        """Places in the result that the suite does not check."""
        return [] if self.root.after is None else list(self.gaps.places("body", self.root.after.body))


def made_of(trace: Sequence[Record], config: Config) -> Made:
    """Return the same test file as `suite_of`, with what the trace lacks."""
    root, *rest = _recorded(first(trace))
    rest += (state for state in states(trace[len(first(trace)) :]) if "omitted" not in state.record)
    flow = root.record["flow"]
    if flow not in config.flows:
        raise Unusable(f'the flow "{flow}" that the message ran through is not in this configuration')
    crossed = _crossed(rest, config)
    answers = [_answer(state) for several in crossed.values() for state in several]
    gaps = Gaps(root.record, [root.before, *answers], (state.after for state in (root, *rest) if state.after))
    case = {"name": f"as recorded: {root.record['event']}", "input": _message(root.before)}
    suite = {
        "flow": flow,
        "clock": gaps.clock,
        "mocks": {address: _mock(several, gaps) for address, several in crossed.items()},
        "cases": [{**case, "expect": _expected(root, gaps)}],
    }
    return Made(suite, root, gaps)


def _crossed(recorded: Iterable[SpanState], config: Config) -> dict[str, list[SpanState]]:
    """The crossings of each block that calls the outside, by address."""
    outside = [block.address for flow in config.flows.values() for block in blocks_of(flow) if block.type.calls_outside]
    crossed: dict[str, list[SpanState]] = {address: [] for address in outside}
    for state in recorded:
        if state.record["path"] in crossed:
            crossed[state.record["path"]].append(state)
    return crossed


def _recorded(trace: Sequence[Record]) -> list[SpanState]:
    found = list(states(trace))
    if not found:
        raise Unusable("the trace is empty")
    omitted = {place for state in found for place in state.record.get("omitted", ())}
    if omitted:
        places = ", ".join(sorted(omitted))
        raise Unusable(f"payloads over the limit of the trace were left out ({places}); record with a higher one")
    if any(state.record.get("brief") for state in found):
        raise Unusable("only the failing block was recorded; `octo run --traces-whole-failures` records all of them")
    if any(state.record.get("more") for state in found):
        raise Unusable("the flow ran more blocks than the trace holds")
    return found


# --- mocks -------------------------------------------------------------------------------------------------------


def _mock(crossed: list[SpanState], gaps: Gaps) -> dict[str, Any]:
    if not crossed:
        return {"default": {"error": _NOT_RECORDED}}
    answers = [_answer(state) for state in crossed]
    if all(answer == answers[0] for answer in answers):
        return {"default": answers[0]}
    conditions = _conditions(crossed, gaps)
    cases: dict[str, dict[str, Any]] = {}
    for condition, answer in zip(conditions, answers, strict=True):
        cases.setdefault(condition, {"when": condition, **answer})
    return {"cases": list(cases.values()), "default": {"error": _NOT_RECORDED}}


def _answer(state: SpanState) -> dict[str, Any]:
    if state.after is not None:
        known = state.before.vars
        changed = {name: value for name, value in state.after.vars.items() if name not in known or known[name] != value}
        body = given(state.after.body, raw=state.after.raw, name="body")
        stop = {"stop": True} if state.record.get("stopped") else {}
        return {**body, **({"vars": changed} if changed else {}), **stop}
    if state.record["outcome"] == "dropped":
        return {"drop": True}
    return {"error": _error(state.record)}


def _error(record: Record) -> object:
    """The error for a mock: its text, with what else error chains and retries look at if that is not the usual."""
    text, error = _cause(record), record.get("error", {})
    more = {
        "type": error.get("type") if error.get("type") in list(KINDS)[1:] else None,
        "code": error.get("code") if error.get("code") not in _USUAL else None,
        "status": error.get("status"),
    }
    said = {name: value for name, value in more.items() if value is not None}
    return {"message": text, **said} if said else text


def _cause(record: Record) -> str:
    """The text of the error without the path to the block: the error of a mock gets that path again."""
    text: str = record.get("error", {}).get("message", record["outcome"])
    label = record["path"].rpartition(".")[2].partition("#")[0]
    return text.removeprefix(f'block "{label}": ')


def _conditions(crossed: list[SpanState], gaps: Gaps) -> list[str]:
    """For each crossing, the shortest condition that only its input meets: on the body, one variable, or everything."""
    bodies = [_all(gaps.conditions("body", state.before.body)) for state in crossed]
    if len(set(bodies)) == len(crossed):
        return bodies
    # Only variables that every crossing has: a condition on a missing variable fails.
    for name in sorted(set.intersection(*(set(state.before.vars) for state in crossed))):
        found = [_all(gaps.conditions(f"vars{step(name)}", state.before.vars[name])) for state in crossed]
        if len(set(found)) == len(crossed):
            return found
    variables = [_all(gaps.conditions("vars", state.before.vars)) for state in crossed]
    return [f"{body} && {rest}" for body, rest in zip(bodies, variables, strict=True)]


def _all(conditions: Iterable[str]) -> str:
    return " && ".join(conditions) or "true"


# --- the case ----------------------------------------------------------------------------------------------------


def _message(seen: Seen) -> dict[str, Any]:
    return {**given(seen.body, raw=seen.raw), **({"vars": dict(seen.vars)} if seen.vars else {})}


def _expected(root: SpanState, gaps: Gaps) -> Mapping[str, Any]:
    if root.after is not None:
        body, status = root.after.body, root.after.vars.get("httpStatus")
        has_gaps = any(gaps.places("body", body))
        wanted = {"that": list(gaps.conditions("body", body))} if has_gaps else {"body": body}
        raw = {"raw": True} if root.after.raw else {}
        return {**wanted, **raw, **({} if status is None else {"vars": {"httpStatus": status}})}
    if root.record["outcome"] == "dropped":
        return {"dropped": True}
    return {"error": gaps.known(root.record.get("error", {}).get("message", ""))}
