"""The server behind a socket that the listener owns: it accepts connections, and closes them when it stops."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octo.connectors.http import codes
from octo.connectors.http.call import Call
from octo.connectors.http.limit import Deadline
from octo.core.errors import OctoError
from octo.core.log import fields

if TYPE_CHECKING:
    from octo.connectors.http.connection import Client

log = logging.getLogger("octo.http")

BACKLOG = 1024
SLOW = 1.0
"""Seconds for which a connection may be waited for before it may have to give way to another."""
TURNS = 3
"""Turns of the loop until an accepted connection has come: its task, its transport, its first callback."""
EARLY = 0.8
"""The share of the time until its routes go after which a server closes idle connections. What comes over the others in
the rest of that time is answered by a route."""
PATIENCE = 3.0
"""Seconds that a stopping server gives clients to take responses that are already written."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options in which servers on the same socket may differ.

    certificate: the content of the files, so that a renewed certificate under the same name is noticed.
    """

    header_timeout: float
    keep_alive: bool
    max_header_bytes: int
    cert: str = ""
    key: str = ""
    certificate: bytes = b""


class Worker:
    """Accepts from the socket and calls `serve` with every request, as a callback of the running loop.

    most: connections that may be open. One more takes the place of the one that has been waited for longest; if none
    has been for `SLOW` seconds, it is refused. One is waited for, too, while its client takes the last answer.
    """

    def __init__(self, listening: socket.socket, options: Options, most: int, serve: Callable[[Call], None]) -> None:
        self.users = 0
        self._most = most
        self.serve = serve
        self.most_head = options.max_header_bytes
        self.keeps = options.keep_alive
        self.is_leaving = False
        self.is_stopping = False
        self._is_starting = False
        self._is_closed = False
        self.quiet: Deadline[Client] = Deadline(options.header_timeout, lambda client: client.expire())
        self._patience = options.header_timeout
        self._listening = listening
        self._tls = _tls(options)
        self._server: asyncio.Server | None = None
        self._clients: set[Client] = set()
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        """Accept connections, if it does not yet."""
        if self._server is not None or self._is_starting:
            return
        self._is_starting = True
        # With their libraries, only where something listens.
        from octo.connectors.http.connection import Connection
        from octo.connectors.http.handshake import Handshake

        tls = self._tls
        # Invariant: a server closes the descriptor it is given, so it gets one of its own.
        self._server = await asyncio.get_running_loop().create_server(
            (lambda: Connection(self)) if tls is None else (lambda: Handshake(self, tls, self._patience)),
            sock=self._listening.dup(),
            backlog=BACKLOG,
        )

    def leave(self, seconds: float, *, is_shared: bool) -> None:
        """Let connections end with their next response, and idle ones before the `seconds` are over.

        is_shared: whether others accept from the same socket; then this server accepts no more.
        """
        if self.is_leaving:
            return
        self.is_leaving = True
        if is_shared:
            self._close(TURNS if self._accepts_no_more() else 0)
        if seconds:
            asyncio.get_running_loop().call_later(seconds * EARLY, self._stop_clients)

    def stop(self) -> None:
        """Accept no more connections. Idle ones close at once, the others after their response."""
        self.is_stopping = True
        self._stop_clients()
        self._close(TURNS if self._accepts_no_more() else 0)

    def _stop_clients(self) -> None:
        for each in tuple(self._clients):
            each.stop()

    def _accepts_no_more(self) -> bool:
        """Let asyncio accept no more, without closing the server; False where the loop is another.

        asyncio gives a connection that it has accepted a transport some turns later. A server that is closed by then
        refuses it one, and the client gets no answer.
        """
        loop = asyncio.get_running_loop()
        if self._server is None or not isinstance(loop, asyncio.SelectorEventLoop):
            return False
        removed = [loop.remove_reader(each) for each in self._server.sockets]
        return any(removed)

    def _close(self, turns: int) -> None:
        """Close the server after so many turns of the loop."""
        if turns:
            asyncio.get_running_loop().call_soon(self._close, turns - 1)
            return
        if self._server is not None:
            self._server.close()
        self._is_closed = True
        self._check_stopped()

    async def stopped(self) -> None:
        """Return once all connections are closed, at most `PATIENCE` seconds later."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._stopped.wait()
        except TimeoutError:
            log.info("left connections behind that clients did not close", extra=fields(seconds=PATIENCE))

    def come(self, client: Client) -> None:
        self._clients.add(client)
        if self.is_stopping:
            client.stop()
        elif len(self._clients) > self._most:
            self._make_room(client)

    def _make_room(self, newest: Client) -> None:
        longest = self.quiet.take_first(SLOW)
        if longest is not None:
            longest.abort()
        else:
            log.warning("a connection was refused: too many are open", extra=fields(most=self._most))
            newest.refuse()

    def left(self, client: Client) -> None:
        self._clients.discard(client)
        self._check_stopped()

    def _check_stopped(self) -> None:
        if self._is_closed and not self._clients:
            self._stopped.set()


def _tls(options: Options) -> ssl.SSLContext | None:
    if not options.cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(options.cert, options.key, password="")
    context.set_alpn_protocols(["http/1.1"])
    return context


def check_certificate(cert: str, key: str) -> bytes:
    """Return the content of both files. Raises if they cannot be used, before anything is opened."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
        return Path(cert).read_bytes() + Path(key).read_bytes()
    except (OSError, ssl.SSLError) as error:
        raise OctoError(f"`tls`: cannot use {cert} with {key}: {error}", code=codes.TLS) from error
