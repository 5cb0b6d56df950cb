"""The listener of the operations port.

It is bound before anything else starts, so that a client that waits for readiness gets an answer. The HTTP code is
imported in a thread with the first connection, so that the start does not wait for the import.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from octo.operations.thread import in_thread
from octo.operations.web import App

log = logging.getLogger("octo.operations")

MOST_CONNECTIONS = 64

_FULL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@asynccontextmanager
async def serving(app: App[Any], listening: socket.socket) -> AsyncIterator[None]:
    """Serve the socket while the context lasts. Leaving it closes the socket and the open connections."""
    server = _Server(app)
    start = asyncio.start_unix_server if listening.family == socket.AF_UNIX else asyncio.start_server
    accepting = await start(server.connected, sock=listening)
    try:
        yield
    finally:
        accepting.close()
        await server.close()


class _Server:
    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._http: Any = None
        self._conversations: set[asyncio.Task[Any]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        try:
            if len(self._conversations) > MOST_CONNECTIONS:
                writer.write(_FULL)
            else:
                await self._converse(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # the port closes; until Python 3.12 a cancelled connection is logged as an error
        except (OSError, TimeoutError):
            writer.transport.abort()  # the client disconnected, or does not read the response
        except Exception:
            log.exception("a connection to the operations port failed")
        finally:
            self._conversations.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._http is None:
            self._http = await in_thread(importlib.import_module, "octo.operations.http")
        await self._http.Conversation(self._app, reader, writer).run()

    async def close(self) -> None:
        for task in self._conversations:
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
