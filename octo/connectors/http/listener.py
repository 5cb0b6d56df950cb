"""Listening sockets and the granian servers behind them.

Within a process there is one listener per address. Connectors come and go on it: a new generation opens its connector
before the old one is closed, so a listener whose address did not change never closes. The socket is ours. Workers
accept from it, one per set of options; when TLS or limits change, the new worker serves beside the old one until that
has answered what it accepted, and no connection is lost between them.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from octo.connectors.http import codes, response
from octo.connectors.http.endpoint import Endpoint, allow
from octo.connectors.http.routes import Routes
from octo.connectors.http.rsgi import Proto, Scope
from octo.connectors.http.worker import BACKLOG, Options, Worker
from octo.core.errors import OctoError

Answered = Callable[[], Awaitable[None]]
Found = tuple[Endpoint, tuple[str, ...]]
log = logging.getLogger("octo.http")


class Listener:
    """A bound socket, the routes behind it, and the servers that accept from it."""

    def __init__(self, bound: socket.socket) -> None:
        self.socket = bound
        self.routes: Routes[Endpoint] = Routes()
        self.users = 0
        self._workers: dict[Options, Worker] = {}

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def patience(self, seconds: float) -> None:
        """How long clients may leave sent bytes untaken; accepted connections inherit it from the socket."""
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))

    def enter(self, options: Options) -> None:
        worker = self._workers.get(options)
        if worker is None:
            worker = self._workers[options] = Worker(self.socket, options, self._serve)
        worker.users += 1
        self.users += 1

    async def leave(self, options: Options, answered: Answered) -> None:
        """Stop what nobody else uses, and return once what was accepted has been answered."""
        self.users -= 1
        worker = self._workers[options]
        worker.users -= 1
        if not worker.users:
            del self._workers[options]
            if not self.users:
                self.socket.close()
            worker.stop()
            await answered()
            await worker.stopped()
        else:
            await answered()

    def _serve(self, watcher: Any) -> None:
        """One request, from granian's hand. Whatever happens in here, the listener goes on."""
        scope, proto = watcher.scope, watcher.proto
        try:
            method = scope.method
            found = self.routes.find(scope.path, method)
            if found is None or method == "OPTIONS":
                rest = self._seldom(scope, proto, found)
            else:
                rest = found[0].serve(scope, proto, found[1])
        except Exception as error:  # noqa: BLE001  logged there
            _broken(proto, error)
        else:
            if rest is not None:
                # Tasks are for requests that wait; most flows do not, and starting one costs more than they do.
                watcher.taskref(asyncio.get_running_loop().create_task(_finish(rest, watcher)))
                return
        watcher.done()

    def _seldom(self, scope: Scope, proto: Proto, found: Found | None) -> Coroutine[Any, Any, None] | None:
        """Requests that are not simply served: preflights, unknown paths, refused methods."""
        served = self.routes.served(scope.path)
        if scope.method == "OPTIONS" and served and (headers := served[0].preflight(scope.headers)) is not None:
            proto.response_empty(204, headers)
        elif found is not None:
            return found[0].serve(scope, proto, found[1])
        elif served:
            headers = [*served[0].headers(scope.headers), ("allow", allow(served))]
            response.refuse(proto, 405, "method not allowed", headers)
        elif not len(self.routes):
            response.busy(proto, "server is starting or shutting down", [])
        elif not scope.path.endswith("/") and self.routes.find(scope.path + "/", scope.method) is not None:
            response.moved(proto, scope.path + "/", scope.query_string)
        else:
            response.refuse(proto, 404, "not found", [])
        return None


async def _finish(rest: Coroutine[Any, Any, None], watcher: Any) -> None:
    try:
        await rest
    except asyncio.CancelledError:
        response.busy(watcher.proto, "server is shutting down", [])
        raise
    except Exception as error:  # noqa: BLE001  logged there
        _broken(watcher.proto, error)
    finally:
        watcher.done()


def _broken(proto: Proto, error: Exception) -> None:
    log.error("request failed", exc_info=error)
    response.refuse(proto, 500, "internal server error", [])


# --- the process's listeners -------------------------------------------------------------------------------------

Address = tuple[asyncio.AbstractEventLoop, str, int]
_listeners: dict[Address, Listener] = {}
"""Those on port 0 are not here: each of them wants a port of its own."""
_closing: list[Address] = []


@asynccontextmanager
async def listening(host: str, port: int, options: Options, answered: Answered) -> AsyncIterator[Listener]:
    """The listener of that address, with a worker of these options on it.

    answered: returns when the requests of this user are answered; awaited on leaving.
    """
    address = (asyncio.get_running_loop(), host, port)
    listener = _listeners.get(address)
    if listener is None:
        listener = Listener(await _bind(address))
        if port:
            _listeners[address] = listener
    try:
        listener.enter(options)
    except BaseException:
        if not listener.users:
            _listeners.pop(address, None)
            listener.socket.close()
        raise
    try:
        yield listener
    finally:
        if listener.users == 1:
            _listeners.pop(address, None)
            _closing.append(address)
        try:
            await listener.leave(options, answered)
        finally:
            if not listener.users:
                _closing.remove(address)


async def _bind(address: Address) -> socket.socket:
    loop, host, port = address
    while True:
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            family, kind, protocol, _, resolved = found[0]
            return _bound(socket.socket(family, kind, protocol), resolved)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or address not in _closing:
                raise _refused(host, port, error) from error
        # Our own predecessor: granian's thread lets go of the socket within moments.
        await asyncio.sleep(0.01)


def _bound(fresh: socket.socket, address: Any) -> socket.socket:
    try:
        fresh.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if os.environ.get("OCTO_REUSE_PORT") == "1":
            fresh.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        fresh.bind(address)
        fresh.listen(BACKLOG)
    except BaseException:
        fresh.close()
        raise
    return fresh


def _refused(host: str, port: int, error: OSError) -> OctoError:
    if error.errno == errno.EADDRINUSE:
        return OctoError(
            f"{host}:{port} is in use by another process; stop that process or choose another `port`",
            code=codes.PORT_BUSY,
        )
    return OctoError(f"cannot listen at {host}:{port}: {error.strerror or error}", code=codes.NO_ADDRESS)
