"""A recorded message as a test: the same input, and in the place of every call to the outside what it answered then."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from octo.config.documents import Config
from octo.core.errors import OctoError
from octo.engine.build import blocks_of
from octo.trace import codes
from octo.trace.record import Record, State, first, states

_NOT_RECORDED = "this call was not made when the message was recorded"


class Unusable(OctoError):
    """A trace that no test can be made of."""

    code = codes.UNUSABLE


def suite_of(trace: Sequence[Record], config: Config) -> dict[str, Any]:
    """A test file, as data, whose one case runs the recorded message against `config`.

    Calls to the outside that the flow did not make then fail. Raises `Unusable` if the flow is gone, or if the trace
    leaves out what the test would need.
    """
    root, *rest = _recorded(first(trace))
    rest += (state for state in states(trace[len(first(trace)) :]) if "omitted" not in state.record)
    flow = root.record["flow"]
    if flow not in config.flows:
        raise Unusable(f'the flow "{flow}" that the message ran through is not in this configuration')
    case = {"name": f"as recorded: {root.record['event']}", "input": _message(root.before)}
    return {"flow": flow, "mocks": mocks_of(rest, config), "cases": [{**case, "expect": _expected(root)}]}


def mocks_of(recorded: Iterable[State], config: Config) -> dict[str, Any]:
    """For each block that calls the outside, what it answered; by address."""
    outside = [block.address for flow in config.flows.values() for block in blocks_of(flow) if block.type.calls_outside]
    crossed: dict[str, list[State]] = {address: [] for address in outside}
    for state in recorded:
        if state.record["path"] in crossed:
            crossed[state.record["path"]].append(state)
    return {address: _mock(several) for address, several in crossed.items()}


def _recorded(trace: Sequence[Record]) -> list[State]:
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


def _mock(crossed: list[State]) -> dict[str, Any]:
    if not crossed:
        return {"default": {"error": _NOT_RECORDED}}
    answers = [_answer(state) for state in crossed]
    if all(answer == answers[0] for answer in answers):
        return {"default": answers[0]}
    conditions = _conditions(crossed)
    cases: dict[str, dict[str, Any]] = {}
    for condition, answer in zip(conditions, answers, strict=True):
        cases.setdefault(condition, {"when": condition, **answer})
    return {"cases": list(cases.values()), "default": {"error": _NOT_RECORDED}}


def _answer(state: State) -> dict[str, Any]:
    if state.after is not None:
        known = state.before.vars
        changed = {name: value for name, value in state.after.vars.items() if name not in known or known[name] != value}
        return {"body": state.after.body, **({"vars": changed} if changed else {})}
    if state.record["outcome"] == "dropped":
        return {"drop": True}
    return {"error": _cause(state.record)}


def _cause(record: Record) -> str:
    """The text of the error without the way to the block, which a mock's error takes again."""
    text: str = record.get("error", {}).get("message", record["outcome"])
    label = record["path"].rpartition(".")[2].partition("#")[0]
    return text.removeprefix(f'block "{label}": ')


def _conditions(crossed: list[State]) -> list[str]:
    """Per crossing, the least that tells its input from the others': the body, else one variable, else all of it."""
    bodies = [f"body == {_literal(state.before.body)}" for state in crossed]
    if len(set(bodies)) == len(crossed):
        return bodies
    names = sorted({name for state in crossed for name in state.before.vars})
    for name in names:
        found = [f"vars.{name} == {_literal(state.before.vars.get(name))}" for state in crossed if name.isidentifier()]
        if len(set(found)) == len(crossed):
            return found
    return [
        f"body == {_literal(state.before.body)} && vars == {_literal(dict(state.before.vars))}" for state in crossed
    ]


def _literal(value: object) -> str:
    """A JSON value as CEL: the one is nearly part of the other. Surrogate escapes are not, so none are written."""
    return json.dumps(value, ensure_ascii=False)


# --- the case ----------------------------------------------------------------------------------------------------


def _message(seen: Any) -> dict[str, Any]:
    return {"data": seen.body, **({"vars": dict(seen.vars)} if seen.vars else {})}


def _expected(root: State) -> Mapping[str, Any]:
    if root.after is not None:
        status = root.after.vars.get("httpStatus")
        return {"body": root.after.body, **({} if status is None else {"vars": {"httpStatus": status}})}
    if root.record["outcome"] == "dropped":
        return {"dropped": True}
    return {"error": root.record.get("error", {}).get("message", "")}
