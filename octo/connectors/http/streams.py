"""Streams of server-sent events: each is the response to one request, and any flow that knows its address may write.

A stream is not committed before its first event: until then the request is answered as every other one. A stream lives
in the process that took the request, and is found there by its address, `<connector>:<id>`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from octo.connectors.http import frames, sources
from octo.connectors.http.call import Proto, Stream as Body
from octo.core.deadline import Lift
from octo.core.flow import Drop, Ending
from octo.core.log import fields
from octo.core.message import Message, new_id
from octo.core.source import Inlet

Headers = list[tuple[str, str]]
log = logging.getLogger("octo.http")

HEADERS: Headers = [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
"""The last one keeps nginx from holding events back."""
HEARTBEAT = 15.0
_streams: dict[str, EventStream] = {}


def find(address: str) -> EventStream | None:
    """Return the stream with this address, None if there is none any more."""
    return _streams.get(address)


class Streams:
    """The streams of one route.

    chosen: adds the headers that the route declares. patience: seconds for which a client may take nothing while an
    event waits.
    """

    def __init__(
        self, sse: sources.Sse, inlet: Inlet, chosen: Callable[[Headers, Message], Headers], patience: float
    ) -> None:
        self.settings = sse
        self.inlet = inlet
        self.chosen = chosen
        self.patience = patience
        self.heartbeat = sse.heartbeat.total_seconds() or HEARTBEAT
        self._open: set[EventStream] = set()

    @property
    def is_full(self) -> bool:
        return self.settings.max_streams > 0 and len(self._open) >= self.settings.max_streams

    def begin(self, proto: Proto, message: Message, headers: Headers) -> EventStream:
        """Return the stream of a request, which counts until it ends."""
        stream = EventStream(self, proto, message, headers)
        _streams[stream.address] = stream
        self._open.add(stream)
        return stream

    def ended(self, stream: EventStream) -> None:
        self._open.discard(stream)

    def end(self) -> None:
        """End all of them."""
        for each in tuple(self._open):
            each.end()


class EventStream:
    """See the module.

    is_begun: whether the first event was sent. is_open: whether events can be sent, or might be once it has begun.
    lift: takes the time limit off the call, which bounds the wait for the first event.

    Invariant: a writer sends while no other waits for the client, so at most one event goes beyond the client's buffer.
    """

    def __init__(self, streams: Streams, proto: Proto, message: Message, headers: Headers) -> None:
        self.address = f"{streams.inlet.connector}:{new_id()}"
        self.lift = Lift()
        self._of = streams
        self._proto = proto
        self._opener = message.event_id
        self._headers = headers
        self._body: Body | None = None
        self._is_over = False
        self._turn = asyncio.Lock()
        self._cap: asyncio.TimerHandle | None = None
        self._pulse: asyncio.TimerHandle | None = None
        self._last = 0.0

    @property
    def is_begun(self) -> bool:
        return self._body is not None

    @property
    def is_open(self) -> bool:
        return not self._is_over and (self._body is None or self._body.is_open)

    # --- events --------------------------------------------------------------------------------------------------

    async def send(self, frame: bytes, message: Message) -> bool:
        """Send an event once the client has taken enough of those before. Return whether the stream was open.

        message: the one that it is sent for; the first one's variables may become headers of the response.
        """
        async with self._turn:
            if not self.is_open:
                return False
            body = self._body or self._begin(message)
            if body.is_full and not await self._has_room(body):
                return False
            self._write(body, frame)
            return True

    def _begin(self, message: Message) -> Body:
        headers = self._headers
        if message.is_kin(self._opener):  # not that of another request, which would set its cookies here
            headers = self._of.chosen(headers, message)
        given = {name for name, _ in headers}
        body = self._body = self._proto.stream(200, [*(each for each in HEADERS if each[0] not in given), *headers])
        self.lift()
        if not body.is_open:  # a client that asked for the head only, or has left
            self.end()
            return body
        body.left = self.end
        loop = asyncio.get_running_loop()
        most = self._of.settings.max_duration.total_seconds()
        self._cap = loop.call_later(most, self.end) if most else None
        self._pulse = loop.call_later(self._of.heartbeat, self._beat, loop)
        return body

    async def _has_room(self, body: Body) -> bool:
        try:
            async with asyncio.timeout(self._of.patience):
                await body.room()
        except TimeoutError:
            log.info("a client took nothing for too long; its stream is closed", extra=fields(flow=self._of.inlet.flow))
            body.abort()
            self.end()
        return self.is_open

    def _write(self, body: Body, frame: bytes) -> None:
        body.send(frame)
        self._last = asyncio.get_running_loop().time()

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        """Send a comment if nothing else was sent for a while, and come again when the next one may be due."""
        assert self._body is not None
        if loop.time() - self._last >= self._of.heartbeat and not self._body.is_full:
            self._write(self._body, frames.PING)
        rest = max(0.0, self._last + self._of.heartbeat - loop.time())
        self._pulse = loop.call_later(rest or self._of.heartbeat, self._beat, loop)

    # --- the end -------------------------------------------------------------------------------------------------

    async def finish(self, outcome: Ending) -> None:
        """End as the settings say, after the message that opened the stream has ended."""
        sse = self._of.settings
        if sse.final_event and not isinstance(outcome, Drop):
            await self.send(frames.frame(frames.body_of(outcome), sse.final_event_name), outcome)
        if sse.close_on_complete:
            self.end()

    def response_bytes(self, status: int, headers: Headers, body: bytes, /) -> None:  # noqa: ARG002  of an answer
        """Send what would have been the answer as the event `error`, and end."""
        if self._body is not None and self.is_open:
            self._write(self._body, frames.frame(body.decode(), "error"))
        self.end()

    def end(self) -> None:
        """End the stream; without effect the second time."""
        if self._is_over:
            return
        self._is_over = True
        for timer in (self._cap, self._pulse):
            if timer is not None:
                timer.cancel()
        _streams.pop(self.address, None)
        self._of.ended(self)
        if self._body is not None:
            self._body.end()
