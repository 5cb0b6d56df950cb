"""The listener of the operations port.

It is bound before anything else starts, so that a client that waits for readiness gets an answer. The HTTP code is
imported in a thread with the first connection, so that the start does not wait for the import.

Whatever its clients do, there is room for a new connection: one that waits for its client, the longest of them, is
closed for it. Those that wait for an answer of ours are bounded by the time that it takes, and streams by their number.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from octo.core.descriptors import reserve
from octo.operations.thread import in_thread
from octo.operations.web import Serve

log = logging.getLogger("octo.operations")

MOST_CONNECTIONS = 64
"""Beyond so many, or half of the reserved file numbers if these are fewer, connections that wait are closed for new
ones. Half as many may be streams, and twice as many may be open for a moment."""
BACKLOG = 1024
GRACE = 1.0
"""Seconds for which a connection may wait before it is closed for another, unless twice as many are open."""

# A socket that was lent has a file that is not ours to remove, which newer Pythons would.
_start_unix = (
    partial(asyncio.start_unix_server, cleanup_socket=False)
    if sys.version_info >= (3, 13)
    else asyncio.start_unix_server
)

_FULL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@asynccontextmanager
async def serving(app: Serve, listening: socket.socket, **limits: int) -> AsyncIterator[None]:
    """Serve the socket while the context lasts. Leaving it closes the socket and the open connections.

    limits: those of a `Conversation` that are not the usual ones.
    """
    server = _Server(app, limits)
    start = _start_unix if listening.family == socket.AF_UNIX else asyncio.start_server
    accepting = await start(server.connected, sock=listening, backlog=BACKLOG)
    try:
        yield
    finally:
        accepting.close()
        await server.close()


class _Server:
    def __init__(self, app: Serve, limits: Mapping[str, int]) -> None:
        self._app = app
        self._limits = limits
        self._http: Any = None
        self._most = max(8, min(MOST_CONNECTIONS, reserve() // 2))
        self._conversations: dict[asyncio.Task[Any], Any] = {}

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations[task] = None
        try:
            if not self._has_room():
                writer.write(_FULL)
            else:
                await self._converse(task, reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # the port closes; until Python 3.12 a cancelled connection is logged as an error
        except (OSError, TimeoutError):
            writer.transport.abort()  # the client disconnected, or does not read the response
        except Exception:
            log.exception("a connection to the operations port failed")
        finally:
            self._conversations.pop(task, None)
            writer.close()

    def _has_room(self) -> bool:
        """Whether the newest connection may stay; one that waits for its client is closed for it."""
        if len(self._conversations) <= self._most:
            return True
        waiting = {
            task: each.waits_since
            for task, each in self._conversations.items()
            if each is not None and each.waits_since is not None
        }
        has_spare = len(self._conversations) <= 2 * self._most
        if not waiting:
            return has_spare
        longest = min(waiting, key=waiting.__getitem__)
        if has_spare and asyncio.get_running_loop().time() - waiting[longest] < GRACE:
            return True
        del self._conversations[longest]
        longest.cancel()
        return True

    def _may_stream(self) -> bool:
        streams = [each for each in self._conversations.values() if each is not None and each.streams]
        return len(streams) < self._most // 2

    async def _converse(
        self, task: asyncio.Task[Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._http is None:
            self._http = await in_thread(importlib.import_module, "octo.operations.http")
        conversation = self._http.Conversation(self._app, reader, writer, self._may_stream, **self._limits)
        self._conversations[task] = conversation
        await conversation.run()

    async def close(self) -> None:
        for task in list(self._conversations):
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
