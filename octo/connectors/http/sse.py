"""The block `sse-event`: send a server-sent event to a caller that waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from octo.connectors.http import codes, frames
from octo.connectors.http.fields import Line
from octo.connectors.http.streams import EventStream, find
from octo.core.block import block
from octo.core.durations import Duration
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.flow import Stop
from octo.core.message import Message
from octo.core.settings import Advanced, Settings
from octo.core.state import State

STREAM = "sseStream"


class Event(Settings):
    event: Line = ""
    """Name of the event, for `addEventListener` in a browser. Empty: none, which browsers call `message`."""
    data: Expr[object] | None = None
    """The data: a text as it is, anything else as JSON. Default: the body as JSON, of a raw body its text."""
    id: Expr[object] | None = None
    """Id of the event: a browser that connects again sends the last one in the header `Last-Event-ID`, which the
    source's `headers:` makes a variable."""
    retry: Annotated[Duration | None, Advanced] = None
    """How long a browser shall wait before it connects again."""
    stream: Expr[object] | None = None
    """Address of the stream. Default: `vars.sseStream`, which an `http` source with `sse: {enabled: true}` sets."""
    connector: str | None = None
    """Name of the `http` connector that the stream must belong to. Default: any."""
    close: bool = False
    """Close the stream after this event."""
    stop: bool = False
    """End the flow after this event, as completed."""
    if_closed: Literal["stop", "ignore", "error"] = "stop"
    """What happens if nobody listens any more: the client has gone, or the stream was closed. `stop` ends the flow as
    completed, `ignore` goes on, `error` fails."""

    def shape_after(self, before: State) -> State:
        for each in (self.data, self.id, self.stream):
            before.of(each)
        return before


@block("sse-event", guarantee="at most once", steps=("send",))
async def sse_event(settings: Event, message: Message) -> Message | Stop:
    """Send an event to a stream, once its client has taken enough of those before."""
    stream = _stream(settings, message)
    if stream is None or not await stream.send(_frame(settings, message), message):
        return _closed(settings, message)
    if settings.close:
        stream.end()
    return Stop(message) if settings.stop else message


def _stream(settings: Event, message: Message) -> EventStream | None:
    """Return the stream, None if it has ended. Raises `Permanent` if there was none."""
    address = settings.stream(message) if settings.stream is not None else message.vars.get(STREAM)
    connector, colon, _ = address.partition(":") if isinstance(address, str) else ("", "", "")
    if not colon:
        raise Permanent(
            f"there is no stream: {'`stream`' if settings.stream else f'`vars.{STREAM}`'} is no address of one; the "
            "`http` source of the flow, or of the flow that calls it, needs `sse: {enabled: true}`",
            code=codes.NO_STREAM,
        )
    if settings.connector is not None and connector != settings.connector:
        raise Permanent(f"the stream is one of `{connector}`, not of `{settings.connector}`", code=codes.NO_STREAM)
    return find(address)  # type: ignore[arg-type]  # it is a text: it has a colon


def _frame(settings: Event, message: Message) -> bytes:
    data = frames.body_of(message) if settings.data is None else frames.text_of(settings.data(message))
    id_ = None if settings.id is None else frames.text_of(settings.id(message))
    retry = None if settings.retry is None else settings.retry // timedelta(milliseconds=1)
    try:
        return frames.frame(data, settings.event, id_, retry)
    except frames.NoField as error:
        raise Permanent(f"sse-event: {error}", code=codes.NO_EVENT) from None


def _closed(settings: Event, message: Message) -> Message | Stop:
    if settings.if_closed == "error":
        raise Permanent("nobody listens to the stream any more", code=codes.NOBODY)
    return message if settings.if_closed == "ignore" else Stop(message)
