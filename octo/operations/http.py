"""One connection of the operations port: HTTP/1.1 with h11 over asyncio streams; every size and time has a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

import h11

from octo.operations.web import Refused, Request, Response, Serve, text

MOST_HEADER = 16 * 1024
MOST_BODY = 64 * 1024
"""A request's head and, unless its server says otherwise, its body have at most this many bytes."""
SLOWEST = 10.0
"""Seconds that a request may take to arrive, and that the client may take to read a piece of a response."""
IDLE = 60.0
"""Seconds that a connection stays open between two requests."""
_PIECE = 64 * 1024


class Conversation:
    """The requests of one connection, one after the other.

    may_stream: whether another response without an end may begin. most_body: bytes of the body of a request, at most.

    waits_since: the loop's time since when it waits for its client; None while it works for it.
    streams: whether its response has no end of its own.
    """

    def __init__(
        self,
        serve: Serve,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        may_stream: Callable[[], bool] = lambda: True,
        most_body: int = MOST_BODY,
    ) -> None:
        self.waits_since: float | None = None
        self.streams = False
        self._may_stream = may_stream
        self._most_body = most_body
        self._serve = serve
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEADER)

    async def run(self) -> None:
        """Serve requests until either side ends the connection."""
        patience = SLOWEST
        while await self._turn(patience):
            self._http.start_next_cycle()
            patience = IDLE

    async def _turn(self, patience: float) -> bool:
        """Serve one request; return whether another may follow."""
        try:
            with self._waiting():
                request = await self._receive(patience)
            if request is None:
                return False
            response = await self._admitted(await self._serve(request))
        except TimeoutError:
            return False
        except Refused as refused:
            request, response = None, text(str(refused), refused.status)
        except h11.RemoteProtocolError as error:
            request, response = None, text("this is not valid HTTP", error.error_status_hint)
        await self._send(response, request)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self.waits_since = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self.waits_since = None

    async def _admitted(self, response: Response) -> Response:
        """Return the response, or a refusal if it would be one stream too many."""
        if isinstance(response.body, bytes):
            return response
        if self._may_stream():
            self.streams = True
            return response
        await response.body.aclose()
        return text("too many streams are open; close one of them", 503)

    # --- receiving -----------------------------------------------------------------------------------------------

    async def _receive(self, patience: float) -> Request | None:
        if not self._http.trailing_data[0]:
            async with asyncio.timeout(patience):
                self._http.receive_data(await self._reader.read(_PIECE))
        async with asyncio.timeout(SLOWEST):
            head = await self._event()
            if not isinstance(head, h11.Request):
                return None
            if _size(head) > MOST_HEADER:  # h11 limits only a head that arrives in several pieces
                raise Refused(431, f"request line and headers may have at most {MOST_HEADER} bytes")
            body = bytearray()
            while isinstance(event := await self._event(), h11.Data):
                body += event.data
                if len(body) > self._most_body:
                    raise Refused(413, f"a body may have at most {self._most_body} bytes")
        return _request(head, bytes(body))

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_PIECE))
        return event

    # --- sending -------------------------------------------------------------------------------------------------

    async def _send(self, response: Response, request: Request | None) -> None:
        headers = [*_ALWAYS, ("content-type", response.content_type), *response.headers]
        if isinstance(response.body, bytes):
            headers.append(("content-length", str(len(response.body))))
        if request is None or not isinstance(response.body, bytes):
            headers.append(("connection", "close"))
        await self._write(h11.Response(status_code=response.status, reason=_reason(response.status), headers=headers))
        if isinstance(response.body, bytes):
            if request is None or request.method != "HEAD":
                await self._write(h11.Data(data=response.body))
        else:
            await self._stream(response.body, silent=request is not None and request.method == "HEAD")
        await self._write(h11.EndOfMessage())

    async def _stream(self, body: AsyncGenerator[bytes, None], *, silent: bool) -> None:
        """Send the pieces as they come, until there are no more or the client disconnects."""
        async with aclosing(body) as pieces:
            if silent:
                return
            try:
                async with asyncio.TaskGroup() as group:
                    watch = group.create_task(self._gone())
                    async for piece in pieces:
                        await self._write(h11.Data(data=piece))
                    watch.cancel()
            except BaseExceptionGroup as errors:
                raise errors.exceptions[0] from None

    async def _gone(self) -> None:
        while await self._reader.read(_PIECE):
            pass
        raise ConnectionResetError

    async def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            with self._waiting():
                async with asyncio.timeout(SLOWEST):
                    await self._writer.drain()


_ALWAYS = (("x-content-type-options", "nosniff"), ("cache-control", "no-store"))


def _reason(status: int) -> bytes:
    return HTTPStatus(status).phrase.encode()


def _size(head: h11.Request) -> int:
    """Bytes of the request line and the headers in their usual form."""
    fields = sum(len(name) + len(value) + len(b": \r\n") for name, value in head.headers)
    return len(head.method) + len(head.target) + len(b"  HTTP/1.1\r\n\r\n") + fields


def _request(head: h11.Request, body: bytes) -> Request:
    path, _, query = head.target.decode("ascii").partition("?")
    return Request(
        head.method.decode("ascii"),
        unquote(path),
        dict(parse_qsl(query, keep_blank_values=True)),
        {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers},
        body,
    )
