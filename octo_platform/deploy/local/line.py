"""Our end of the line to a child: it borrows listening sockets, and gives signs of life.

The other end, and what the messages mean, is in `octo.core.supervisor`. When this process ends, the line breaks and the
child stops. What the child says is not trusted: its flows may run code of their authors.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress

from octo.core.addresses import Resolved

_MOST = 64 * 1024
"""Bytes of one message, at most."""

Lend = Callable[[Resolved, int], socket.socket]
"""Returns the socket for an address and a backlog, or raises OSError."""


class Line:
    """See the module. theirs: the end for the child, to be closed here once the child has it.

    beat: called with whether the flows of the child run.
    """

    def __init__(self, lend: Lend, give_back: Callable[[Resolved], None], beat: Callable[[bool], None]) -> None:
        self._lend = lend
        self._give_back = give_back
        self._beat = beat
        self._rest = b""
        self._ours, self.theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._ours, self._read)

    def close(self) -> None:
        """Break the line."""
        if self._ours.fileno() >= 0:
            self._loop.remove_reader(self._ours)
            self._ours.close()
        self.theirs.close()

    def _read(self) -> None:
        try:
            data = self._ours.recv(_MOST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        *lines, self._rest = (self._rest + data).split(b"\n")
        try:
            for each in lines:
                self._take(json.loads(each))
        except (ValueError, TypeError, RecursionError):
            data = b""  # not the language of the line: no child of ours
        if not data or len(self._rest) > _MOST:
            self.close()

    def _take(self, message: object) -> None:
        match message:
            case ["beat", bool(has_started)]:
                self._beat(has_started)
            case ["borrow", int(family), int(protocol), [str(host), int(port), *_], int(backlog)]:
                self._answer(Resolved(family, protocol, (host, port)), backlog)
            case ["give back", int(family), int(protocol), [str(host), int(port), *_]]:
                self._give_back(Resolved(family, protocol, (host, port)))

    def _answer(self, address: Resolved, backlog: int) -> None:
        answer: dict[str, object] = {"lent": True, "shared": True}
        descriptors: list[int] = []
        try:
            descriptors = [self._lend(address, backlog).fileno()]
        except OSError as error:
            answer = {"lent": False, "errno": error.errno or 0, "error": error.strerror or str(error)}
        with suppress(OSError):  # it has ended, or does not read
            socket.send_fds(self._ours, [json.dumps(answer).encode() + b"\n"], descriptors)
