"""The line from a process to the supervisor that started it under `octo run --processes N`.

The supervisor binds the addresses that its processes share, and lends them the sockets. A process tells it that it is
well (`beat`). When the supervisor ends, whatever the reason, the line breaks: so no process is left without it.

Each message is a line of JSON. A process asks for one socket at a time.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from octo.core.addresses import Resolved

VARIABLE = "OCTO_SUPERVISOR"
"""The supervisor sets this variable for its children: the number of the descriptor that is their end of the line."""

_MOST_BYTES, _MOST_SOCKETS = 4096, 8
"""What is taken off the line at once; the rest stays for the next time."""

_line: Line | None = None


def line() -> Line | None:
    """The line of this process; None if no supervisor has started it."""
    return _line


def join(environ: dict[str, str] | os._Environ[str], lost: Callable[[], None]) -> Line | None:
    """Open the line that the environment names, and take it out of there: it is not for processes that we start.

    lost: called in a thread once the supervisor has ended.
    """
    global _line  # noqa: PLW0603  a fact about the process
    if number := environ.pop(VARIABLE, ""):
        end = socket.socket(fileno=int(number))
        end.set_inheritable(False)
        _wake_with_parent()
        _line = Line(end, lost)
    return _line


class Line:
    """See the module. Answers come in the order of the questions, also when nobody waits for one any more."""

    def __init__(self, end: socket.socket, lost: Callable[[], None]) -> None:
        self._end = end
        self._lost = lost
        self._asked: deque[tuple[Resolved, asyncio.Future[socket.socket]]] = deque()
        self._shared: set[Resolved] = set()
        self._loop: asyncio.AbstractEventLoop
        # A thread, because the event loop may stand still when the supervisor ends.
        threading.Thread(target=self._listen, name="octo-supervisor", daemon=True).start()

    async def borrow(self, address: Resolved, backlog: int) -> socket.socket:
        """Return a listening socket that all processes share. Raises OSError as `addresses.bound` does."""
        self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[socket.socket] = self._loop.create_future()
        self._tell("borrow", *address, backlog)
        self._asked.append((address, answer))
        return await answer

    def is_shared(self, address: Resolved) -> bool:
        """Whether others accept from the very socket that was borrowed: what waits in it is theirs as well."""
        return address in self._shared

    def give_back(self, address: Resolved) -> None:
        """Tell that this process has closed its socket of the address. It closes once no process has it."""
        with suppress(OSError):
            self._tell("give back", *address)

    def beat(self, has_started: bool) -> None:
        """Tell that the event loop of this process runs. has_started: whether its flows do."""
        with suppress(OSError):
            self._tell("beat", has_started)

    def _tell(self, *message: object) -> None:
        # Without waiting: the line is full if the supervisor stands still, and this process must not stand still too.
        self._end.send(json.dumps(message).encode() + b"\n", socket.MSG_DONTWAIT)

    def _listen(self) -> None:
        rest = b""
        descriptors: list[int] = []
        with suppress(OSError):
            while True:
                data, received, _, _ = socket.recv_fds(self._end, _MOST_BYTES, _MOST_SOCKETS)
                if not data:
                    break
                descriptors += received
                *lines, rest = (rest + data).split(b"\n")
                for each in lines:
                    answer = json.loads(each)
                    lent = socket.socket(fileno=descriptors.pop(0)) if answer["lent"] else None
                    self._loop.call_soon_threadsafe(self._answered, answer, lent)
        self._lost()

    def _answered(self, answer: Mapping[str, Any], lent: socket.socket | None) -> None:
        address, waiting = self._asked.popleft()
        if lent is None:
            if not waiting.done():
                waiting.set_exception(OSError(answer["errno"], answer["error"]))
        elif waiting.done():  # who asked was cancelled
            lent.close()
            self.give_back(address)
        else:
            if answer.get("shared"):
                self._shared.add(address)
            waiting.set_result(lent)


_PR_SET_PDEATHSIG = 1


def _wake_with_parent() -> None:
    """Let the system continue this process when its parent ends: one that is stopped could not see the line break."""
    if sys.platform == "linux":
        import ctypes  # imported here, since only children of a supervisor need it

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGCONT))
