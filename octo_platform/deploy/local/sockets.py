"""The listening sockets of a deployment, which its instances of every generation share.

The platform binds them, on loopback only, so that a rolling change closes none of them: what waits in one is accepted
by whoever is ready. Whatever address a flow asks for, its port decides: that of the deployment is lent for `HTTP_PORT`
and for the port that the flow names itself.
"""

from __future__ import annotations

import errno
import socket
import zlib
from collections.abc import Callable, Collection, Set as AbstractSet
from pathlib import Path

from octo.core.addresses import Resolved, bound, holder

HOST = "127.0.0.1"
FIRST, LAST = 20_000, 29_999
"""Ports that are chosen: below those that systems give to outgoing connections."""
_BACKLOG = 1024
_MOST = 16
"""Further ports of one deployment, at most."""


class Sockets:
    """The sockets of one deployment. port: the one that the world calls; None before it is known.

    taken: returns the ports of all deployments. named: the port by which the flows call it themselves. listens: all
    that the flows name, None if that is not known. moved: why it is another one than before, "" if it is not.
    """

    def __init__(self, port: int | None, taken: Callable[[], AbstractSet[int]] = frozenset) -> None:
        self.port = port
        self._taken = taken
        self.named: int | None = None
        self.listens: Collection[int] | None = None
        self.moved = ""
        self._main: socket.socket | None = None
        self._others: dict[int, socket.socket] = {}
        self._users: dict[int, int] = {}

    @property
    def is_open(self) -> bool:
        return self._main is not None

    def open(self) -> None:
        """Listen at the port. Raises OSError if it is taken."""
        assert self.port is not None
        if self._main is None:
            self._main = _listening(self.port, _BACKLOG)

    def choose(self, seed: str) -> int:
        """Listen at a free port, and return it. seed: the same one leads to the same port if it is free.

        Raises OSError if none is free.
        """
        start = zlib.crc32(seed.encode())
        span = LAST - FIRST + 1
        before = self.port
        taken = self._taken()
        for step in range(span):
            port = FIRST + (start + step) % span
            if port in taken or port == before:
                continue
            try:
                self._main = _listening(port, _BACKLOG)
            except OSError:
                continue
            if before is not None:
                self.moved = f"port {before} was taken{_by(before)}; it is {port} now"
            self.port = port
            return port
        raise OSError(errno.EADDRINUSE, f"no port from {FIRST} to {LAST} is free")

    def silence(self) -> None:
        """Listen no more, so that who calls is refused at once; the port stays that of the deployment."""
        if self._main is not None:
            self._main.close()
            self._main = None

    def close(self) -> None:
        self.silence()
        for each in self._others.values():
            each.close()
        self._others.clear()
        self._users.clear()

    def lend(self, address: Resolved, backlog: int) -> socket.socket:
        """The socket for this address. Raises OSError."""
        port = address.where[1]
        if self.port is not None and port in (self.port, self.named):
            self.open()
            assert self._main is not None
            return self._main
        if port not in self._others:
            if self.listens is not None and port not in self.listens:  # their code asks, and not their connectors
                raise OSError(errno.EACCES, f"no flow says that it listens at port {port}")
            if port in self._taken():  # if that one is paused, whoever listens there gets what is meant for it
                raise OSError(errno.EACCES, f"port {port} is that of another deployment")
            if len(self._others) >= _MOST:
                raise OSError(errno.EMFILE, f"a deployment listens at most at {_MOST} further ports")
            self._others[port] = _listening(port, min(max(backlog, 1), _BACKLOG))
        self._users[port] = self._users.get(port, 0) + 1
        return self._others[port]

    def give_back(self, address: Resolved) -> None:
        """Note that an instance has closed its socket of the address."""
        port = address.where[1]
        if port in self._users:
            self._users[port] -= 1
            if self._users[port] <= 0:
                del self._users[port]
                self._others.pop(port).close()

    def loan(self) -> Loan:
        return Loan(self.lend, self.give_back)


class Loan:
    """What one instance has borrowed, so that all of it is given back when it ends."""

    def __init__(self, lend: Callable[[Resolved, int], socket.socket], give_back: Callable[[Resolved], None]) -> None:
        self._lend = lend
        self._give_back = give_back
        self._borrowed: list[Resolved] = []

    def lend(self, address: Resolved, backlog: int) -> socket.socket:
        lent = self._lend(address, backlog)
        self._borrowed.append(address)
        return lent

    def give_back(self, address: Resolved) -> None:
        if address in self._borrowed:
            self._borrowed.remove(address)
            self._give_back(address)

    def end(self) -> None:
        while self._borrowed:
            self._give_back(self._borrowed.pop())


def private(path: Path) -> socket.socket:
    """A unix socket that listens, and that only this user may connect to. Raises OSError."""
    fresh = socket.socket(socket.AF_UNIX)
    try:
        fresh.bind(str(path))
        path.chmod(0o600)  # its folder is closed to others; a umask would be that of all our threads
        fresh.listen(_BACKLOG)
    except BaseException:
        fresh.close()
        raise
    return fresh


def _listening(port: int, backlog: int) -> socket.socket:
    fresh = bound(Resolved(socket.AF_INET, socket.IPPROTO_TCP, (HOST, port)), backlog)
    fresh.setblocking(False)
    return fresh


def _by(port: int) -> str:
    by = holder(port)
    return f" by {by}" if by else ""
