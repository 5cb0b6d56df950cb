"""The envelope: the result of a watched run as JSON, for programs."""

from __future__ import annotations

from collections.abc import Iterable

from octo.core.flow import Drop, Ending, Halt
from octo.core.message import Message
from octo.core.secrets import masked
from octo.debug.observer import Debug
from octo.debug.spies import Crossing


def envelope(outcome: Ending | Exception | Halt, debug: Debug) -> dict[str, object]:
    """Return how the flow ended, where it was stopped, and what the spies saw.

    {result?, dropped?, reason?, error?, reached?, block?, message?,
     spies: [{address, records: [{seq, at, input, output?, dropped?, reason?, error?}]}]}

    `reached` and `block` are there if a breakpoint was set, `message` if it was reached. Messages are
    `{event_id, correlation_id?, variables?, body?}`; a body that is null is left out.
    """
    spies = [{"address": address, "records": list(_records(found))} for address, found in debug.spies.items()]
    return {**_ended(outcome), **_stopped(debug), "spies": spies}


def _ended(outcome: Ending | Exception | Halt) -> dict[str, object]:
    if isinstance(outcome, Message):
        return {"result": outcome.as_json()}
    if isinstance(outcome, Drop):
        return _dropped(outcome.reason)
    return {} if isinstance(outcome, Halt) else {"error": masked(str(outcome))}


def _stopped(debug: Debug) -> dict[str, object]:
    if not debug.reached_block:
        return {}
    found: dict[str, object] = {"reached": debug.reached is not None, "block": debug.reached_block}
    return found if debug.reached is None else {**found, "message": debug.reached.as_json()}


def _records(crossings: Iterable[Crossing]) -> Iterable[dict[str, object]]:
    for each in crossings:
        record: dict[str, object] = {"seq": each.seq, "at": each.at, "input": each.input.as_json()}
        if each.output is not None:
            record["output"] = each.output.as_json()
        if each.dropped is not None:
            record |= _dropped(each.dropped)
        if each.error is not None:
            record["error"] = masked(each.error)
        yield record


def _dropped(reason: str) -> dict[str, object]:
    return {"dropped": True, "reason": masked(reason)} if reason else {"dropped": True}
