"""One request on a connection: its head, its body as it comes, and its response."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from http import HTTPStatus
from time import gmtime, strftime, time
from typing import Protocol

from octo.connectors.http.call import Truncated
from octo.connectors.http.chunked import Chunked
from octo.connectors.http.head import Head
from octo.connectors.http.request import Rejected

Fields = list[tuple[str, str]]

MOST_UNREAD = 256 * 1024
"""A connection is not read while so many bytes of a body wait for their reader."""
SMALL = 1024
JOINED = 64 * 1024
"""Pieces of a body smaller than this are joined up to that size."""
_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class Carrier(Protocol):
    """The connection, as a request on it sees it.

    persists: whether another request may follow this one. is_writable: whether its buffer has room.
    """

    @property
    def persists(self) -> bool: ...
    @property
    def is_writable(self) -> bool: ...
    def read_on(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def answer(self, data: bytes, *, persists: bool) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class Exchange:
    """A `Call`, and its `Proto`. rejected: why the request is refused before it reaches a route."""

    __slots__ = (
        "_connection",
        "_expects",
        "_gone",
        "_has_left",
        "_is_answered",
        "_is_whole",
        "_lost",
        "_pieces",
        "_stream",
        "_takes_all",
        "_task",
        "_unread",
        "_waiter",
        "rejected",
        "scope",
    )

    def __init__(self, connection: Carrier, scope: Head, rejected: Rejected | None = None) -> None:
        self.scope = scope
        self.rejected = rejected
        self._connection = connection
        self._pieces: deque[bytes | bytearray] = deque()
        self._unread = 0
        self._is_whole = rejected is not None
        self._takes_all = False
        self._expects = "expect" in scope.headers and not scope.is_old
        self._lost = ""
        self._waiter: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._has_left = False
        self._is_answered = False
        self._stream: Chunked | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def proto(self) -> Exchange:
        return self

    def taskref(self, task: asyncio.Task[None], /) -> None:
        self._task = task

    def done(self) -> None:
        self._task = None
        if not self._is_answered:
            self._is_answered = True
            self._connection.close()

    # --- the body ------------------------------------------------------------------------------------------------

    async def __call__(self) -> bytes:
        self._takes_all = True
        while not self._is_whole:
            await self._more()
        return bytes(self._pieces[0]) if len(self._pieces) == 1 else b"".join(self._pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._unread -= len(piece)
                yield bytes(piece)
            if self._is_whole:
                return
            await self._more()

    @property
    def is_full(self) -> bool:
        """Whether the client should wait with the rest of the body."""
        return self._unread > MOST_UNREAD and not self._takes_all

    def take(self, piece: bytes) -> None:
        """Add a piece."""
        if self._pieces and len(piece) < SMALL and len(self._pieces[-1]) < JOINED:
            self._join(piece)
        else:
            self._pieces.append(piece)
        self._unread += len(piece)
        self._wake()

    def _join(self, piece: bytes) -> None:
        """Add a piece to the last one: each object takes more room than a few bytes in it."""
        last = self._pieces[-1]
        if not isinstance(last, bytearray):
            last = self._pieces[-1] = bytearray(last)
        last += piece

    def end(self) -> None:
        self._is_whole = True
        self._wake()

    def lose(self, why: str) -> None:
        """Give the body up."""
        self._lost = why
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _more(self) -> None:
        if self._lost:
            raise Truncated(self._lost)
        if self._expects and not self._pieces:
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._expects = False
        self._connection.read_on()
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    # --- the client's leaving ------------------------------------------------------------------------------------

    def client_disconnect(self) -> asyncio.Future[None]:
        self._gone = asyncio.get_running_loop().create_future()
        if self._has_left:
            self._gone.set_result(None)
        return self._gone

    def leave(self) -> None:
        self._has_left = True
        self.lose("the body ended early")
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        if self._stream is not None:
            self._stream.leave()

    def resume(self) -> None:
        """Take note that the connection has room again."""
        if self._stream is not None:
            self._stream.wake()

    # --- the response --------------------------------------------------------------------------------------------

    def response_empty(self, status: int, headers: Fields, /) -> None:
        self.response_bytes(status, headers, b"")

    def response_bytes(self, status: int, headers: Fields, body: bytes, /) -> None:
        if self._is_answered:
            return
        self._is_answered = True
        lines = [_LINES.get(status) or f"HTTP/1.1 {status} \r\n"]
        # Behind a body that nobody has read to its end, no other request can be found.
        persists = self._is_whole and self.scope.is_persistent and self._connection.persists
        date = f"date: {_date()}\r\n"
        for name, value in headers:
            if name == "connection":
                persists = False
            elif name == "date":
                date = f"date: {value}\r\n"  # e.g. of a response that a flow passes on; there is only one
            else:
                lines.append(f"{name}: {value}\r\n")
        if status not in (204, 304):
            lines.append(f"content-length: {len(body)}\r\n")
        if not persists:
            lines.append(f"{date}connection: close\r\n\r\n")
        elif self.scope.is_old:
            lines.append(f"{date}connection: keep-alive\r\n\r\n")
        else:
            lines.append(f"{date}\r\n")
        head = "".join(lines).encode(errors="replace")
        self._connection.answer(head if self.scope.method == "HEAD" else head + body, persists=persists)

    def stream(self, status: int, headers: Fields, /) -> Chunked:
        is_sized = any(name == "content-length" for name, _ in headers)
        is_chunked = not (self.scope.is_old or is_sized)
        persists = (
            (is_chunked or is_sized) and self._is_whole and self.scope.is_persistent and self._connection.persists
        )
        stream = Chunked(self._connection, is_chunked=is_chunked, persists=persists)
        if self._is_answered:
            stream.is_open = False
            return stream
        self._is_answered = True
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers)]
        lines.append(f"date: {_date()}")
        lines += ["transfer-encoding: chunked"] * is_chunked + ["connection: close"] * (not persists)
        lines += ["connection: keep-alive"] * (persists and self.scope.is_old)
        self._connection.write("\r\n".join([*lines, "", ""]).encode(errors="replace"))
        self._stream = stream
        if self._has_left:
            stream.leave()
        elif self.scope.method == "HEAD":
            stream.end(body=False)
        return stream


_now = (0, "")


def _date() -> str:
    """Return the time as HTTP writes it, made once a second."""
    global _now  # noqa: PLW0603  a cache of one
    second = int(time())
    if _now[0] != second:
        _now = second, strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime(second))
    return _now[1]
