"""Traces become records (`record`), and records JSON Lines: in a thread of their own, after the message has gone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from octo.core import body
from octo.core.flow import Drop
from octo.core.log import masked
from octo.core.message import Message
from octo.engine.chain import Step
from octo.trace.crossing import ABOVE, AFTER, BEFORE, BEGAN, ENDED, SITE, Broken, Crossing, Site, Trace, span
from octo.trace.mask import Clean, declared, secrets, unchanged
from octo.trace.record import Record
from octo.trace.size import weigh

MOST_BYTES = 32 * 1024
"""A body or variable that is larger as JSON is left out, and noted."""


class Summary(NamedTuple):
    """What lists of traces show. Times are nanoseconds; `lost` traces went missing just before this one.

    event, correlation: of the message that came in. code: of the error, "" if there is none.
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

    data: its records as JSON Lines. events: ids of the messages in flows that it called.
    weight: about how many bytes its messages are, with what was left out.
    """

    summary: Summary
    events: tuple[str, ...]
    data: bytes
    weight: int = 0

    def after_loss(self, lost: int, at: int) -> Encoded:
        """The same trace, with a record before it that says how many went missing."""
        notice = orjson.dumps({"kind": "dropped", "at": at, "count": lost}) + b"\n"
        summary = self.summary._replace(lost=self.summary.lost + lost)
        return self._replace(summary=summary, data=notice + self.data)


def encode(trace: Trace, most_bytes: int = MOST_BYTES) -> Encoded:
    """The trace as it may leave the process: bounded, without secrets and declared fields."""
    names = trace.masks()
    clean = declared(names, _values(trace, most_bytes)) if names else unchanged
    writing = _Writing(trace, clean, most_bytes)
    text = writing.text()
    plain = _unescaped(text)
    # To search the text is much cheaper than to walk through values, and hardly any trace has a secret in it.
    if masked(plain) != plain:
        writing = _Writing(trace, lambda value: secrets(clean(value)), most_bytes)
        text = writing.text()
    return Encoded(writing.summary(), writing.events(), text.encode(), writing.weight())


def records(data: bytes) -> list[Record]:
    """The records in JSON Lines. A line that is none, as a process leaves that is killed while writing, is passed."""
    found: list[Record] = []
    for line in data.splitlines():
        record = _read(line)
        if isinstance(record, dict):
            found.append(record)
    return found


def _read(line: bytes) -> Any:
    try:
        return body.parse(line)
    except body.NotJson:
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            return None


class _Writing:
    """Writes one trace down, as text right away: dictionaries in between would take twice the time.

    Invariant: every value that a message, a block or another system brought goes through `clean`.
    """

    def __init__(self, trace: Trace, clean: Clean, most_bytes: int) -> None:
        self.trace = trace
        self.id = trace.id
        self.zero = trace.wall(0)
        self.clean = clean
        self.most_bytes = most_bytes
        self.answers: dict[tuple[int, int], str] = {}
        self.omitted: dict[str, int] = {}
        self.flows: dict[int, str] = {}
        self.payloads: dict[int, tuple[Any, str | None, int]] = {}
        self.effects = _by_crossing(trace)

    def text(self) -> str:
        return "".join([self.line(each) for each in self.trace.crossings])

    def events(self) -> tuple[str, ...]:
        """Ids of the messages in flows that were called."""
        return tuple(self.clean(each[BEFORE].event_id) for each in self.trace.crossings[1:] if each[SITE].step is None)

    def weight(self) -> int:
        return sum(size for _, _, size in self.payloads.values())

    def summary(self) -> Summary:
        first: Crossing = self.trace.crossings[0]
        message, end = first[BEFORE], first[AFTER]
        code = end.error.get("code") if isinstance(end, Broken) and end.error else ""
        event, correlation = self.clean(message.event_id), self.clean(message.correlation_id)
        took = first[ENDED] - first[BEGAN]
        return Summary(
            first[SITE].flow, event, self.id, correlation, self.trace.at, took, _outcome(end), str(code or "")
        )

    # --- a record ----------------------------------------------------------------------------------------------------

    def line(self, crossing: Crossing) -> str:
        site, above, _, began, end, ended, _ = crossing
        me = span(crossing)
        parent = self.trace.caller if above is None else span(above)
        head = f'"trace":"{self.id}","span":"{me}"' + (f',"parent":"{parent}"' if parent else "")
        where = self.flow(crossing, site) if site.step is None else self.block(crossing, site.step)
        timing = f'"at":{self.zero + began},"duration":{max(0, ended - began)},"outcome":"{_outcome(end)}"'
        before, after = self.before(crossing, parent), self.after(crossing, me)
        return f"{{{where},{head}{before},{timing}{after}{self.rest(crossing)}}}\n"

    def flow(self, crossing: Crossing, site: Site) -> str:
        name = self.flows[id(crossing)] = _text(site.flow)
        message: Message = crossing[BEFORE]
        event = f'"event":{_dumps(self.clean(message.event_id))}'
        if message.correlation_id:
            event += f',"correlation":{_dumps(self.clean(message.correlation_id))}'
        return f'"kind":"flow","flow":{name},"path":{name},"generation":{site.generation},{event}'

    def block(self, crossing: Crossing, step: Step) -> str:
        flow = self.flows[id(crossing)] = self.flows[id(crossing[ABOVE])]
        connector = f',"connector":{_text(step.connector)}' if step.connector else ""
        return f'"kind":"block","flow":{flow},"path":{_text(step.address)},"type":{_text(step.type)}{connector}'

    def before(self, crossing: Crossing, parent: str) -> str:
        """What went in: all of it, or whose outcome it was, or how it differs from what went into the parent."""
        message, above = crossing[BEFORE], crossing[ABOVE]
        if above is None:
            return self.part("input", self.whole(message))
        source = self.answers.get((id(above), id(message)))
        if source is not None:
            return f',"from":"{source}"'
        return f',"from":"{parent}"' + self.part("input", self.change("input", above[BEFORE], message))

    def after(self, crossing: Crossing, me: str) -> str:
        """What came out, or why nothing did."""
        end = crossing[AFTER]
        if end.__class__ is Message:
            self.answers[id(crossing[ABOVE]), id(end)] = me
            return self.part("output", self.change("output", crossing[BEFORE], end))
        if isinstance(end, Drop) and end.reason:
            return f',"reason":{_dumps(self.clean(end.reason))}'
        if isinstance(end, Broken) and end.error:
            return f',"error":{_dumps(self.clean(end.error))}'
        return ""

    def rest(self, crossing: Crossing) -> str:
        found = ""
        if self.effects and (effects := self.effects.get(id(crossing))):
            found += f',"effects":{_dumps(self.clean(effects))}'
        if self.omitted:
            found += f',"omitted":{_dumps(self.omitted)}'
            self.omitted = {}
        if crossing[ABOVE] is None and self.trace.brief:
            found += ',"brief":true'
        if crossing[ABOVE] is None and self.trace.more:
            found += f',"more":{self.trace.more}'
        return found

    # --- messages ----------------------------------------------------------------------------------------------------

    @staticmethod
    def part(name: str, content: str) -> str:
        return f',"{name}":{{{content}}}' if content else ""

    def whole(self, message: Message) -> str:
        found = []
        if message.body is not None:
            found.append(f'"body":{self.payload("input.body", message.body)}')
        if message.vars:
            found.append(f'"vars":{self.named("input.vars", message.vars)}')
        return ",".join(found)

    def change(self, place: str, before: Message, after: Message) -> str:
        """The difference between two messages. What is the same object is the same value."""
        found = []
        if after.body is not before.body:
            found.append(f'"body":{self.payload(f"{place}.body", after.body)}')
        old, new = before.vars, after.vars
        if new is not old:
            fresh = {name: value for name, value in new.items() if name not in old or old[name] is not value}
            if fresh:
                found.append(f'"set":{self.named(f"{place}.set", fresh)}')
            if len(new) - len(fresh) < len(old) and (gone := [name for name in old if name not in new]):
                found.append(f'"unset":{_dumps(gone)}')
        return ",".join(found)

    def named(self, place: str, values: Mapping[str, Any]) -> str:
        if self.clean is unchanged:
            found = [f"{_text(name)}:{self.payload(f'{place}.{name}', value)}" for name, value in values.items()]
        else:
            found = [self.covered(place, name, value) for name, value in values.items()]
        return f"{{{','.join(found)}}}"

    def covered(self, place: str, name: str, value: Any) -> str:
        [(key, shown)] = self.clean({name: None}).items()
        return f"{_text(key)}:{self.payload(f'{place}.{key}', value) if shown is None else _dumps(shown)}"

    def payload(self, place: str, value: Any) -> str:
        """The value as JSON, unless it is too large. Each is written once, however many records show it."""
        known = self.payloads.get(id(value))
        if known is None:
            # With the value itself: an id is only good for as long as nobody else can get it.
            known = self.payloads[id(value)] = (value, *self.sized(value))
        _, text, size = known
        if text is None:
            self.omitted[place] = size
            return "null"
        return text

    def sized(self, value: Any) -> tuple[str | None, int]:
        """The value as JSON, or None if it is too large, and its size; for most a glance is enough to tell."""
        size = weigh(value) if isinstance(value, dict | list | str) else 0
        if size > 2 * self.most_bytes:
            return None, size
        text = _dumps(self.clean(value))
        return (text if len(text) <= self.most_bytes else None), len(text)


def _outcome(end: object) -> str:
    if end.__class__ is Message:
        return "completed"
    if isinstance(end, Drop):
        return "dropped"
    return end.outcome if isinstance(end, Broken) else "cancelled"


def _by_crossing(trace: Trace) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for each in trace.effects:
        found.setdefault(id(each.crossing), []).append({"kind": each.kind, "at": trace.wall(each.at), **each.details})
    return found


def _values(trace: Trace, most_bytes: int) -> Iterator[Any]:
    """All bodies and variables of a trace that will be written down."""
    seen: set[int] = set()
    for crossing in trace.crossings:
        for message in (crossing[BEFORE], crossing[AFTER]):
            if not isinstance(message, Message):
                continue
            for value in (message.body, dict(message.vars)):
                if id(value) not in seen:
                    seen.add(id(value))
                    yield from _fitting(value, most_bytes)


def _fitting(value: Any, most_bytes: int) -> Iterator[Any]:
    """The value, unless it is too large; of a map those that are not."""
    if weigh(value) <= 2 * most_bytes:
        yield value
    elif isinstance(value, dict):
        yield {key: each for key, each in value.items() if weigh(each) <= 2 * most_bytes}


@lru_cache(4096)
def _text(name: str) -> str:
    return _dumps(name)


def _dumps(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers beyond 64 bits, lone surrogates, nesting beyond 254
        return _dumps_slowly(value)


def _dumps_slowly(value: Any) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps(f"<no JSON: {type(error).__name__}>")


_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def _unescaped(text: str) -> str:
    """The text as its strings mean it: a secret with a quote in it must be found too."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _character(found[1]), text)


def _character(escape: str) -> str:
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _ESCAPED.get(escape, escape)
