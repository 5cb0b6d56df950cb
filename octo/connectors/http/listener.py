"""Listening sockets and the servers behind them.

A process has one listener per address, which connectors share: a new generation opens its connector before the old one
is closed, so a listener whose address did not change never closes. The listener owns the socket. Workers accept from
it, one per set of options; when TLS or limits change, the new worker serves beside the old one until the old one has
answered what it accepted, and no connection is lost between them.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from octo.connectors.http import codes, told
from octo.connectors.http.dispatch import Dispatch
from octo.connectors.http.worker import BACKLOG, Options, Worker
from octo.core import supervisor
from octo.core.addresses import Resolved, bound, holder
from octo.core.descriptors import Share
from octo.core.errors import OctoError

PATIENCE = 15 * 60.0
"""Seconds that clients may leave sent bytes untaken by default: about what the system grants to those that are gone."""

Answered = Callable[[], Awaitable[None]]


class Listener(Dispatch):
    """A bound socket, the routes behind it, and the servers that accept from it.

    closed: called after `close`. is_shared: whether other processes accept from the same socket.
    """

    def __init__(self, bound: socket.socket, closed: Callable[[], None], *, is_shared: bool = False) -> None:
        host, port = bound.getsockname()[:2]
        super().__init__((host, port))
        self.socket = bound
        self._closed = closed
        self._is_shared = is_shared
        self.users = 0
        self._share = Share()
        self._workers: dict[Options, Worker] = {}

    @property
    def is_open(self) -> bool:
        """Whether the operating system still accepts connections for us."""
        return self.socket.fileno() >= 0 and bool(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))

    def patience(self, seconds: float) -> None:
        """Set how long clients may leave sent bytes untaken; accepted connections inherit it from the socket.

        0: `PATIENCE`. The system itself would wait without end for one that answers and only takes nothing.
        """
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int((seconds or PATIENCE) * 1000)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def leaving(self, seconds: float) -> None:
        """Send clients elsewhere. What waits in a socket that others share is left to them at once."""
        for each in self._workers.values():
            each.leave(seconds, is_shared=self._is_shared)
        if self._is_shared:
            self.close()

    def close(self) -> None:
        """Close the socket. Workers have descriptors of their own, and accept until they are stopped."""
        if self.socket.fileno() < 0:
            return
        self.socket.close()
        self._share.close()
        self._closed()

    async def enter(self, options: Options) -> None:
        worker = self._workers.get(options)
        if worker is None:
            worker = self._workers[options] = Worker(self.socket, options, self._share.most, told.serving(self))
        worker.users += 1
        self.users += 1
        try:
            await worker.start()
        except BaseException:
            del self._workers[options]
            self.users -= worker.users
            raise

    async def leave(self, options: Options, answered: Answered) -> None:
        """Stop the worker and the socket if this was their last user; return once its requests are answered."""
        self.users -= 1
        worker = self._workers[options]
        worker.users -= 1
        if not worker.users:
            del self._workers[options]
            if not self.users:
                self.close()
            worker.stop()
            await answered()
            await worker.stopped()
        else:
            await answered()


# --- the process's listeners -------------------------------------------------------------------------------------

Address = tuple[asyncio.AbstractEventLoop, str, int]
_listeners: dict[Address, Listener] = {}
"""The listeners by address. Those on port 0 are not in it: each of them has a port of its own."""
_closing: list[Address] = []


@asynccontextmanager
async def listening(host: str, port: int, options: Options, answered: Answered) -> AsyncIterator[Listener]:
    """The listener of this address, with a worker that has these options.

    answered: returns once the requests of this user are answered; awaited on leaving.
    """
    address = (asyncio.get_running_loop(), host, port)
    listener = _listeners.get(address)
    if listener is None:
        listener = await _bind(address)
        if port:
            _listeners[address] = listener
    try:
        await listener.enter(options)
    except BaseException:
        if not listener.users:
            _listeners.pop(address, None)
            listener.close()
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


async def _bind(address: Address) -> Listener:
    """Return a listener at the address."""
    loop, host, port = address
    while True:
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            family, _, protocol, _, resolved = found[0]
            return await _opened(Resolved(family, protocol, resolved))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or address not in _closing:
                raise _refused(host, port, error) from error
        # A listener of this process is closing here, which releases the socket within moments.
        await asyncio.sleep(0.01)


async def _opened(address: Resolved) -> Listener:
    line = supervisor.line()
    if line is None or not address.where[1]:  # port 0 means a port of its own, also for a process that has siblings
        return Listener(bound(address, BACKLOG), lambda: None)
    borrowed = await line.borrow(address, BACKLOG)
    return Listener(borrowed, partial(line.give_back, address), is_shared=line.is_shared(address))


def _refused(host: str, port: int, error: OSError) -> OctoError:
    if error.errno == errno.EADDRINUSE:
        return OctoError(f"{host}:{port} is in use by {_user(port)}", code=codes.PORT_BUSY)
    return OctoError(f"cannot listen at {host}:{port}: {error.strerror or error}", code=codes.NO_ADDRESS)


def _user(port: int) -> str:
    """Say which process has the port, and what to do about it."""
    for _, host, taken in _listeners:
        if taken == port:
            return (
                f"this process, which listens at {host}:{port}; give both connectors the same `host`, or one another "
                "`port`. If one took the place of the other, restart the process"
            )
    by = holder(port)
    if by.startswith(f"process {os.getpid()} "):
        return "this process, e.g. for its operations port; choose another `port`"
    return f"{by or 'another process'}; stop that process, or choose another `port` or `octo run --port`"
