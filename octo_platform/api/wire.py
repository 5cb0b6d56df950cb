"""How requests are read from connections: what is too large or comes too slowly ends its connection.

uvicorn waits for ever for the rest of a request, and with the parser that it prefers reads headers of any size; its own
limit of connections refuses everybody once somebody has opened as many. Without signing in, anybody could have all
connections, or all memory.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIME = 20.0
"""Seconds in which the head of a request must have come."""

KEEP_ALIVE = 65
"""Seconds in which the next request on a connection must have begun."""

DEAF = 60
"""Seconds in which a client must take some of what it is sent, where the system knows such a limit."""

LARGEST_HEAD = 64 << 10
"""Bytes of the head of a request."""

MOST = 1_000
"""Connections at once. One more takes the place of the one that has waited for its request the longest."""


class Wire(H11Protocol):
    """See the module. A connection that has no request under way has a limited time until it has one."""

    _waiting: asyncio.TimerHandle | None = None
    since: float | None = None
    """When it began to wait for a request; None while one is under way."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(HEAD_TIME)
        if len(self.connections) > MOST:
            self._make_room()
        connection = transport.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAF * 1000)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self._is_answering():
            self._wait(None)

    def on_response_complete(self) -> None:
        # What came meanwhile is read in here, and may be a whole request.
        self._wait(KEEP_ALIVE + HEAD_TIME)
        super().on_response_complete()

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _wait(self, seconds: float | None) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        loop = asyncio.get_running_loop()
        self.since = None if seconds is None else loop.time()
        self._waiting = None if seconds is None else loop.call_later(seconds, self._give_up)

    def _make_room(self) -> None:
        """End the connection that has waited the longest; this one, if all others are answering."""
        waiting = [each for each in self.connections if isinstance(each, Wire) and each.since is not None]
        min(waiting, key=lambda each: each.since or 0.0).end()

    def end(self) -> None:
        self._wait(None)  # so it is ended once, though it is gone only in a moment
        self.transport.abort()

    def _give_up(self) -> None:
        if not self._is_answering():
            self.transport.abort()
