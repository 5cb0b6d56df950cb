"""The current span: calls to the outside are recorded in it, and other systems get its name.

Only the recorder of traces sets the span (`current`); blocks and connectors only read it. Without a recorder there is
none, and a message's own `traceparent` is passed on unchanged.

The format is that of W3C Trace Context, https://www.w3.org/TR/trace-context/: `00-<trace id>-<span id>-<flags>`. The
`tracestate`, which vendors add to it, is only passed on: it is the second line of a message's `traceparent`, so
messages without one carry nothing for it.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import NamedTuple, Protocol

from octo.core.message import Message

HEADER, STATE = "traceparent", "tracestate"


class Span(Protocol):
    """A piece of work under way, as its recorder sees it."""

    @property
    def traceparent(self) -> str:
        """The name of the span, for the systems that it calls."""
        ...

    def effect(self, kind: str, details: dict[str, object]) -> None:
        """Record a call to the outside."""
        ...


current: ContextVar[Span | None] = ContextVar("octo.span", default=None)
"""The innermost span of this task; set by recorders alone."""


def leave() -> None:
    """From now on this task works on a message with a trace of its own. Give that message `span_headers` before."""
    current.set(None)


def effect(kind: str, **details: object) -> None:
    """Record a call to the outside, if there is a recorder.

    kind: `http`, `sql` ... details: what was sent where and what came back, in short; JSON values, no secrets.
    """
    span = current.get()
    if span is not None:
        span.effect(kind, details)


def with_tracestate(traceparent: str, tracestate: str) -> str:
    """Both, as the `traceparent` of a message carries them."""
    return f"{traceparent}\n{tracestate}" if tracestate else traceparent


def outgoing(message: Message) -> str:
    """The `traceparent` for a call made on behalf of `message`; "" when there is no trace."""
    span = current.get()
    return message.traceparent.partition("\n")[0] if span is None else span.traceparent


def span_headers(message: Message) -> dict[str, str]:
    """The headers of such a call: none, the `traceparent`, or also the `tracestate` that the message came with."""
    parent = outgoing(message)
    if not parent:
        return {}
    _, _, state = message.traceparent.partition("\n")
    # A `tracestate` belongs to one trace: a recorder that could not read the caller's `traceparent` has begun another.
    if not state or (current.get() is not None and parse(message.traceparent) is None):
        return {HEADER: parent}
    return {HEADER: parent, STATE: state}


class Parent(NamedTuple):
    """A span of another system: 32 and 16 hexadecimal digits, and whether that system records."""

    trace_id: str
    span_id: str
    sampled: bool


_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?(?:\n.+)?")


def parse(traceparent: str) -> Parent | None:
    """The span that a `traceparent` names, or None if it is not one; a caller's mistake must not fail a message."""
    found = _FORM.fullmatch(traceparent)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or set(trace_id) == {"0"} or set(span_id) == {"0"}:
        return None
    return Parent(trace_id, span_id, bool(int(flags, 16) & 1))
