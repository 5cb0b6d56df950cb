"""Trace records: the form in which all tools read traces.

A *trace* is a list of records, one per span, in the order the spans began: first the flow, then its blocks, with the
flows they called in between. A one-way call is a trace of its own, with the id of its caller's trace. A record is a
JSON object without its empty fields. In JSON Lines each record is a line.

    kind            "flow", "block", or "dropped" (see below)
    v               2: the version of this form
    trace           32 hexadecimal digits, those of W3C Trace Context when the message came with one
    span, parent    16 hexadecimal digits; the flow's parent is the block, or the other system, that called it
    flow            name of the flow
    path            the block's address, `flow.composite[branch].block`; for a flow its name
    type, connector the block's type, and the connector instance it calls, if any
    generation      of a flow: which generation of the configuration ran
    event, correlation
                    of a flow: ids of the message; its blocks worked on the same message
    at, duration    nanoseconds: since the epoch, and how long it took
    outcome         "completed", "dropped", "failed", "cancelled"
    reason          why it was dropped
    stopped         true if the chains around it ended there, and the flow with this message
    error           {message, code, type, status, path, at}: as `vars.error`, and the place in the file; each text up to
                    4096 characters
    input           {body, vars, raw}: the message that went in; `raw` is true or not there
    from            the span whose outcome went in, or, if it is the parent, whose input went in. `input` is then absent
                    if the message went in unchanged, or {body, raw, set, unset}: what changed in between
    output          {body, raw, set, unset}: what the block, or the flow, changed; `body` is absent if it stayed the
                    same, and `raw` is only given with a body; `set` holds the variables that are new or different,
                    `unset` lists the names of those that were removed
    effects         [{kind, at, ...}]: calls to other systems, as passed to `octo.core.trace.effect`
    values          {expression: value}: the values of expressions, if the reader asked for them (`octo.trace.values`)
    omitted         {place: size}: payloads over the limit, each with about how many bytes it has, that are null in the
                    record: "input.body", "input.vars.NAME", "input.set.NAME", "output.body" or "output.set.NAME"
    brief           true on a flow of which only the failing block was recorded: it was not in the sample
    more            of the first flow: how many blocks and flows were not recorded, because they were over the limit

A record of kind "dropped" has `at` and `count`: that many traces were lost since the record before it, because they
could not be written, or not as fast as they came. Secrets read `«secret»`, declared fields `«masked»`.

Bodies and variables are packed as in the record of a message (`octo.core.record`): bytes are `{"$bytes": BASE64}`, and
so on; numbers have all their digits. `states` rebuilds the messages and unpacks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from octo.core.record import unpack

Record = Mapping[str, Any]

VERSION = 2

MASKED = "«masked»"

OUTCOMES = ("completed", "dropped", "failed", "cancelled")

_LONGEST = 1 << 63
"""Nanoseconds: a time or duration in a record is smaller than this."""

_SPAN = {"trace": str, "span": str, "flow": str, "path": str, "at": int, "duration": int, "outcome": str}
_FORMS: dict[str, dict[str, type]] = {
    "dropped": {"at": int, "count": int},
    "flow": {**_SPAN, "event": str},
    "block": {**_SPAN},
}
_PARTS = {"input": dict, "output": dict, "error": dict, "effects": list, "omitted": dict, "from": str, "parent": str}
_PARTS |= {"correlation": str, "type": str, "connector": str, "reason": str}
_CHANGE = {"vars": dict, "set": dict, "unset": list, "raw": bool}


def is_record(found: Record) -> bool:
    """Whether it has the form above, as far as readers rely on it: another program may have written to the file."""
    form = _FORMS.get(str(found.get("kind")))
    if form is None or not all(name in found for name in form) or not _fits(found, {**_PARTS, **form}):
        return False
    return (
        all(0 <= found.get(name, 0) < _LONGEST for name in ("at", "duration"))
        and found.get("outcome", OUTCOMES[0]) in OUTCOMES
        and all(_fits(found.get(name, {}), _CHANGE) for name in ("input", "output"))
        and isinstance(found.get("error", {"message": ""}).get("message"), str)
        and all(isinstance(effect, dict) and "kind" in effect for effect in found.get("effects", ()))
        and all(isinstance(size, int) for size in found.get("omitted", {}).values())
    )


def _fits(found: Mapping[str, Any], form: Mapping[str, type]) -> bool:
    return all(isinstance(found[name], kind) for name, kind in form.items() if name in found)


class Seen(NamedTuple):
    """A message as recorded. Invariant: `vars` is never None. `body` is None also if it was omitted for its size."""

    body: Any
    vars: Mapping[str, Any]
    raw: bool = False


class SpanState(NamedTuple):
    """A record with the whole messages before and after it; `after` is None unless it completed."""

    record: Record
    before: Seen
    after: Seen | None


def first(trace: Sequence[Record]) -> Sequence[Record]:
    """The first trace of several with one id, which one-way calls have."""
    starts = (index for index, record in enumerate(trace) if begins(record))
    next(starts, None)
    return trace[: next(starts, len(trace))]


def begins(record: Record) -> bool:
    """Whether it is the flow that a trace begins with: a flow that was called inside a trace has `from`."""
    return record.get("kind") == "flow" and "from" not in record


def states(trace: Sequence[Record]) -> Iterator[SpanState]:
    """Every span of a trace with its messages rebuilt."""
    before: dict[str, Seen] = {}
    after: dict[str, Seen] = {}
    for record in trace:
        span = record.get("span")
        if span is None:
            continue
        origin, given = record.get("from"), record.get("input", {})
        if origin is None:
            seen = _whole(given)
        else:
            known = before if origin == record.get("parent") else after
            seen = _changed(known.get(origin, Seen(None, {})), given)
        before[span] = seen
        done = None
        if record["outcome"] == "completed":
            done = after[span] = _changed(seen, record.get("output", {}))
        yield SpanState(record, seen, done)


def _whole(message: Mapping[str, Any]) -> Seen:
    return Seen(value(message.get("body")), _values(message.get("vars", {})), message.get("raw", False))


def _changed(before: Seen, change: Mapping[str, Any]) -> Seen:
    if not change:
        return before
    gone = change.get("unset", ())
    variables = {name: each for name, each in before.vars.items() if name not in gone}
    variables |= _values(change.get("set", {}))
    if "body" not in change:
        return before._replace(vars=variables)
    return Seen(value(change["body"]), variables, change.get("raw", False))


def _values(packed: Mapping[str, Any]) -> dict[str, Any]:
    # One by one: the map of variables itself may look like a packed value.
    return {name: value(each) for name, each in packed.items()}


def value(packed: Any) -> Any:
    """The unpacked value; the argument itself if it is damaged."""
    try:
        return unpack(packed)
    except (KeyError, TypeError, ValueError, AttributeError):
        return packed
