"""The TLS handshake of one client: from its start it takes a place of the server, and gives way as others do."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from contextlib import suppress
from typing import Any

from octo.connectors.http.connection import Connection, Server


class Handshake(asyncio.Protocol):
    """Makes a connection of what was accepted, once the client has shown that it speaks TLS.

    A server with TLS of asyncio would tell of a client only after that, and could not close it before.
    """

    def __init__(self, server: Server, context: ssl.SSLContext, patience: float) -> None:
        self._server = server
        self._context = context
        self._patience = patience
        self._transport: Any = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._server.come(self)
        if self._transport.is_closing():
            return
        with suppress(OSError):  # there is no file number left
            plain = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
            self._server.quiet.start(self)
            self._task = asyncio.get_running_loop().create_task(self._shake(plain))
            self._task.add_done_callback(lambda _: self.end())
        self._transport.abort()  # it has read nothing yet; the connection goes on with the other descriptor

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's parameter
        if self._task is None:
            self.end()

    async def _shake(self, plain: socket.socket) -> None:
        with suppress(OSError):  # it speaks no TLS, or has left
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Secure(self._server, self), plain, ssl=self._context, ssl_handshake_timeout=self._patience
            )

    def end(self) -> None:
        """Give the place back."""
        self._server.quiet.stop(self)
        self._server.left(self)

    # --- what the server wants -----------------------------------------------------------------------------------

    def abort(self) -> None:
        """Close at once: there is no way yet to tell the client why."""
        if self._task is None:
            self._transport.abort()
        else:
            self._task.cancel()

    expire = refuse = stop = abort


class _Secure(Connection):
    """A connection that takes the place of its handshake."""

    def __init__(self, server: Server, handshake: Handshake) -> None:
        super().__init__(server)
        self._handshake: Handshake | None = handshake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._handshake is not None:
            self._handshake.end()
            self._handshake = None
        super().connection_made(transport)
