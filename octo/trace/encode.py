"""Packs traces for the stores (`packed`), in the writer's thread, after the flow has ended."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from octo.core.flow import Drop, Stop
from octo.core.message import Message
from octo.core.secrets import masked
from octo.trace.crossing import AFTER, BEFORE, BEGAN, ENDED, SITE, Broken, Crossing, Spot, Trace
from octo.trace.mask import Clean, declared, secrets, tells, unchanged
from octo.trace.packed import dumps, is_tagged, payload
from octo.trace.record import OUTCOMES, VERSION
from octo.trace.size import weigh

MOST_BYTES = 32 * 1024
"""Bytes of a body or variable as JSON, where raw bytes count as themselves. A larger one is left out, and noted."""

MOST_ERROR = 4096
"""Characters of an error's text, at most: in a flow that calls itself, each error quotes the one below it."""

MOST_AT_ONCE = 100
"""Crossings of a trace that may be packed without looking at each value: this way, a value that crossings share is
written once for each of them.
"""


class Summary(NamedTuple):
    """What lists of traces show. Times are nanoseconds.

    event, correlation: ids of the message that came in. code: the error's, "" if there is none.
    lost: how many traces were lost just before this one.
    """

    flow: str
    event: str
    trace: str
    correlation: str
    at: int
    duration: int
    outcome: str
    code: str = ""
    lost: int = 0


class Encoded(NamedTuple):
    """A trace on its way to the stores.

    data: its records, packed. events: event ids of the messages in the flows that its flow called.
    weight: about how many bytes its messages have, including those that were left out.
    """

    summary: Summary
    events: tuple[str, ...]
    data: bytes
    weight: int = 0

    def after_loss(self, lost: int, at: int) -> Encoded:
        """The same trace, with a record before it that says how many were lost."""
        notice = orjson.dumps({"kind": "dropped", "at": at, "count": lost}) + b"\n"
        summary = self.summary._replace(lost=self.summary.lost + lost)
        return self._replace(summary=summary, data=notice + self.data)


def encode(trace: Trace, most_bytes: int = MOST_BYTES, expected: int = 0) -> Encoded:
    """The trace as it may leave the process: bounded, without secrets and declared fields.

    most_bytes: the limit for a body or a variable. expected: an estimate of the trace's weight.
    """
    names = trace.masks()
    packing, data = _Packing(trace), b""
    if not names and expected <= most_bytes and len(trace.crossings) <= MOST_AT_ONCE:
        data = packing.line()
    is_plain = bool(data) and len(data) <= most_bytes and not is_tagged(data)
    if not is_plain:
        clean = _declared(names, trace, most_bytes)
        packing = _Careful(trace, clean, most_bytes)
        data = packing.line()
    # Searching the text is much cheaper than walking through the values, and hardly any trace contains a secret.
    if _tells(data, has_bytes=not is_plain):
        clean = _declared(names, trace, most_bytes)
        packing = _Careful(trace, lambda value: secrets(clean(value)), most_bytes)
        data = packing.line()
    return Encoded(packing.summary(), packing.events(), data, packing.weight or len(data))


_BASE64 = re.compile(rb'"\$(?:bytes|content)":"([^"]*)"')


def _tells(data: bytes, *, has_bytes: bool) -> bool:
    """Whether the JSON contains a secret. has_bytes: whether it may contain bytes, as base64."""
    plain = _unescaped(data.decode())
    return masked(plain) != plain or (has_bytes and any(map(tells, _BASE64.findall(data))))


class _Packing:
    """Packs one trace with its values as they are: for a small one that holds only JSON and nothing to hide."""

    weight = 0

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.omitted: dict[str, int] = {}
        self.effects = _by_crossing(trace)

    def line(self) -> bytes:
        """See `octo.trace.packed`; nothing if there is something that JSON cannot hold, or that is too long."""
        trace = self.trace
        at = trace.wall(trace.crossings[0][BEGAN])
        try:
            row = [VERSION, trace.id, trace.caller, at, trace.base, self.rows()]
            return orjson.dumps(row, option=orjson.OPT_PASSTHROUGH_SUBCLASS) + b"\n"
        except TypeError:
            return b""

    def events(self) -> tuple[str, ...]:
        """Event ids of the messages in the flows that were called."""
        return tuple(self.shown(each[BEFORE].event_id) for each in self.trace.crossings[1:] if each[SITE].step is None)

    def summary(self) -> Summary:
        first: Crossing = self.trace.crossings[0]
        message, end = first[BEFORE], first[AFTER]
        code = end.error.get("code") if isinstance(end, Broken) and end.error else ""
        event, correlation = self.shown(message.event_id), self.shown(message.correlation_id)
        took, outcome = first[ENDED] - first[BEGAN], OUTCOMES[_outcome(end)]
        return Summary(
            first[SITE].flow, event, self.trace.id, correlation, self.trace.at, took, outcome, str(code or "")
        )

    # --- a row per crossing ------------------------------------------------------------------------------------------

    def rows(self) -> list[Any]:
        """One row per crossing. A message that came out of a crossing often goes into a later one: `answers` finds it.

        Invariant: objects are compared by `id`, which is safe because the trace holds a reference to each.
        """
        zero = self.trace.crossings[0][BEGAN]
        index: dict[int, int] = {}
        answers: dict[tuple[int | None, int], int] = {}
        rows: list[Any] = []
        for number, crossing in enumerate(self.trace.crossings):
            site, above, before, began, end, ended = crossing
            index[id(crossing)] = number
            parent = source = given = made = None
            if above is None:
                given = self.whole(before)
            else:
                parent = index[id(above)]
                source = answers.get((parent, id(before)))
                if source is None:
                    source = parent
                    given = self.change("input", above[BEFORE], before)
            outcome = _outcome(end)
            if not outcome:
                after = end.message if end.__class__ is Stop else end
                answers[parent, id(after)] = number
                made = self.change("output", before, after)
            head, rest = site.head or _head(site), self.rest(crossing, number)
            rows.append([head, parent, source, began - zero, ended - began, outcome, given, made, rest])
        return rows

    def rest(self, crossing: Crossing, number: int) -> dict[str, Any] | None:
        """The fields that most crossings do not have."""
        found: dict[str, Any] = {}
        if crossing[SITE].step is None:
            message = crossing[BEFORE]
            found["event"] = self.value(message.event_id)
            if message.correlation_id:
                found["correlation"] = self.value(message.correlation_id)
        end = crossing[AFTER]
        if end.__class__ is Drop and end.reason:
            found["reason"] = self.value(end.reason)
        elif end.__class__ is Stop:
            found["stopped"] = True
        elif end.__class__ is Broken and end.error:
            found["error"] = self.error(end.error)
        if self.effects and (effects := self.effects.get(id(crossing))):
            found["effects"] = self.value(effects)
        if self.omitted:
            found["omitted"], self.omitted = self.value(self.omitted), {}
        if not number and self.trace.brief:
            found["brief"] = True
        if not number and self.trace.more:
            found["more"] = self.trace.more
        return found or None

    # --- messages ----------------------------------------------------------------------------------------------------

    def whole(self, message: Message) -> Any:
        found: dict[str, Any] = {}
        if message.body is not None:
            found["body"] = self.payload(message.body, "input.body")
            if message.raw:
                found["raw"] = True
        if message.vars:
            found["vars"] = self.named(message.vars, "input.vars")
        return found or None

    def change(self, place: str, before: Message, after: Message) -> Any:
        """The difference between two messages, None if there is none. The same object is the same value."""
        if after is before:
            return None
        found: dict[str, Any] = {}
        if after.body is not before.body or after.raw is not before.raw:
            found["body"] = self.payload(after.body, place, ".body")
            if after.raw:
                found["raw"] = True
        old, new = before.vars, after.vars
        if new is not old:
            fresh = {name: value for name, value in new.items() if name not in old or old[name] is not value}
            if fresh:
                found["set"] = self.named(fresh, place, ".set")
            if len(new) - len(fresh) < len(old) and (gone := [name for name in old if name not in new]):
                found["unset"] = self.value(gone)
        return found or None

    # --- values ------------------------------------------------------------------------------------------------------

    def shown(self, text: str) -> str:
        return text

    def value(self, value: Any) -> Any:
        return value

    def error(self, error: Mapping[str, Any]) -> Any:
        if any(isinstance(each, str) and len(each) > MOST_ERROR for each in error.values()):
            raise _NeedsCare
        return error

    def payload(self, value: Any, *place: str) -> Any:
        del place
        return value

    def named(self, values: Mapping[str, Any], *place: str) -> Any:
        del place
        return values


class _NeedsCare(TypeError):
    """A value cannot be written as it is; `_Careful` can write it."""


class _Careful(_Packing):
    """Packs one trace and looks at every value: leaves out what is too large, encodes what is not JSON, hides secrets.

    Invariant: every value that a message, a block or another system brought goes through `clean`.
    """

    def __init__(self, trace: Trace, clean: Clean, most_bytes: int) -> None:
        super().__init__(trace)
        self.clean = clean
        self.most_bytes = most_bytes
        self.payloads: dict[int, tuple[Any, Any, int]] = {}

    def shown(self, text: str) -> str:
        return str(self.clean(text))

    def value(self, value: Any) -> Any:
        return orjson.Fragment(dumps(self.clean(value)))

    def error(self, error: Mapping[str, Any]) -> Any:
        """The error without secrets, then cut: in this order, because half a secret would not be recognised."""
        return self.value({name: _bounded(self.clean(each)) for name, each in error.items()})

    def payload(self, value: Any, *place: str) -> Any:
        """The value as JSON, None if it is too large. Each is written once, however many records show it."""
        known = self.payloads.get(id(value))
        if known is None:
            # Invariant: the entry holds the value itself, so that no other object can get its id.
            known = self.payloads[id(value)] = (value, *self.sized(value))
            self.weight += known[2]
        _, written, size = known
        if written is None:
            self.omitted["".join(place)] = size
        return written

    def sized(self, value: Any) -> tuple[Any, int]:
        """The value as JSON, or None if it is too large, and its size. An estimate settles it for very large values."""
        size = weigh(value)
        if size > 2 * self.most_bytes:
            return None, size
        data = payload(self.clean(value))
        size = _sent(data)
        return (orjson.Fragment(data) if size <= self.most_bytes else None), size

    def named(self, values: Mapping[str, Any], *place: str) -> Any:
        parts = [self.covered(name, value, place) for name, value in values.items()]
        return orjson.Fragment(b"{" + b",".join(parts) + b"}")

    def covered(self, name: str, value: Any, place: tuple[str, ...]) -> bytes:
        [(key, shown)] = self.clean({name: None}).items()
        if shown is None:
            shown = self.payload(value, *place, ".", key)
        return dumps(key) + b":" + orjson.dumps(shown)


_TAGGED = re.compile(rb'{"\$(?:bytes|content)":"([^"]*)"}|{"\$text":\["(?:[^"\\]|\\.)*","([^"]*)","[^"]*"\]}')


def _sent(data: bytes) -> int:
    """The size of the JSON, where base64 counts as the bytes that it stands for."""
    if not is_tagged(data):
        return len(data)
    tagged = _TAGGED.finditer(data)
    return len(data) - sum(len(found[0]) - len(found[1] or found[2] or b"") * 3 // 4 for found in tagged)


def _bounded(value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= MOST_ERROR:
        return value
    return f"{masked(value)[:MOST_ERROR]}..."


def _head(site: Spot) -> Any:
    """What all records of a spot have in common; written once per spot."""
    step = site.step
    known: dict[str, Any]
    if step is None:
        known = {"kind": "flow", "flow": site.flow, "path": site.flow, "generation": site.generation}
    else:
        known = {"kind": "block", "path": step.address, "type": step.type}
        if step.connector:
            known["connector"] = step.connector
    site.head = orjson.Fragment(dumps(known))
    return site.head


def _outcome(end: object) -> int:
    """The index in `OUTCOMES` of how a crossing ended."""
    if end.__class__ is Message or end.__class__ is Stop:
        return 0
    if isinstance(end, Drop):
        return 1
    return 2 if isinstance(end, Broken) and end.outcome == "failed" else 3


def _by_crossing(trace: Trace) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for each in trace.effects:
        found.setdefault(id(each.crossing), []).append({"kind": each.kind, "at": trace.wall(each.at), **each.details})
    return found


def _declared(names: frozenset[str], trace: Trace, most_bytes: int) -> Clean:
    """What masks the declared fields. A payload over the limit is not written, but a block may have copied from it."""
    if not names:
        return unchanged
    small: list[Any] = []
    large: list[Any] = []
    for value in _payloads(trace):
        (small if weigh(value) <= 2 * most_bytes else large).append(value)
    return declared(names, small, large)


def _payloads(trace: Trace) -> Iterator[Any]:
    """All bodies of a trace, and all variables, each with its name."""
    seen: set[tuple[str | None, int]] = set()
    for crossing in trace.crossings:
        for each in (crossing[BEFORE], crossing[AFTER]):
            message = each.message if isinstance(each, Stop) else each
            if not isinstance(message, Message):
                continue
            for name, value in ((None, message.body), *message.vars.items()):
                if (name, id(value)) not in seen:
                    seen.add((name, id(value)))
                    yield value if name is None else {name: value}


_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def _unescaped(text: str) -> str:
    """The text with JSON's escapes undone: a secret that contains a quote must be found too."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _character(found[1]), text)


def _character(escape: str) -> str:
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _ESCAPED.get(escape, escape)
