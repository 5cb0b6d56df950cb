"""A response that is sent piece by piece, as chunks: what its client has not taken never exceeds a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Carrier(Protocol):
    """The connection, as a response on it sees it."""

    @property
    def is_writable(self) -> bool: ...
    def write(self, data: bytes) -> None: ...
    def answer(self, data: bytes, *, persists: bool) -> None: ...
    def abort(self) -> None: ...


class Chunked:
    """See `octo.connectors.http.call.Stream`.

    is_chunked: whether the client knows chunks; to those of HTTP/1.0 the end is the close. persists: whether the
    connection may serve another request.
    """

    __slots__ = ("_carrier", "_is_chunked", "_persists", "_waiters", "is_open", "left")

    def __init__(self, carrier: Carrier, *, is_chunked: bool, persists: bool) -> None:
        self.is_open = True
        self.left: Callable[[], None] | None = None
        self._carrier = carrier
        self._is_chunked = is_chunked
        self._persists = persists
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def is_full(self) -> bool:
        return not self._carrier.is_writable

    def send(self, data: bytes, /) -> None:
        if self.is_open and data:
            self._carrier.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)

    async def room(self) -> None:
        while self.is_open and self.is_full:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def end(self, *, body: bool = True) -> None:
        if self.is_open:
            self._shut()
            self._carrier.answer(b"0\r\n\r\n" if self._is_chunked and body else b"", persists=self._persists)

    def abort(self) -> None:
        if self.is_open:
            self._shut()
            self._carrier.abort()

    def leave(self) -> None:
        """Take note that the client is gone. One that only ended its side gets the end of the body."""
        if self.is_open:
            self._persists = False
            self.end()
            if self.left is not None:
                self.left()

    def _shut(self) -> None:
        self.is_open = False
        self.wake()

    def wake(self) -> None:
        """Look again whether there is room."""
        while self._waiters:
            waiter = self._waiters.pop()
            if not waiter.done():
                waiter.set_result(None)
