"""Standard output and error of a service: what cannot be written is lost and no more, and no reader is waited for long.

Python's own streams keep what could not be written, and fail again with it at every later write and at the end. They
also wait for ever for a reader that does not read, such as a terminal after Ctrl-S; the event loop would wait too.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

PATIENCE = 1.0
"""Seconds to wait for a reader. After that nothing waits for it until it reads again."""


def steady() -> None:
    """Replace the standard streams of this process, where they are its descriptors 1 and 2."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        with suppress(AttributeError, OSError, ValueError):  # closed, or replaced by something without a descriptor
            stream = getattr(sys, name)
            if stream.fileno() == number:
                stream.flush()
                setattr(sys, name, _text(stream, number))


def _text(stream: TextIO, number: int) -> TextIO:
    return io.TextIOWrapper(Whole(number), stream.encoding, stream.errors, write_through=True)  # type: ignore[type-var]


class Whole(io.RawIOBase):
    """Writes to a descriptor all that it is given, or raises OSError. After a line that was cut, a new one begins."""

    def __init__(self, number: int, patience: float = PATIENCE) -> None:
        self._number = number
        self._patience = patience
        self._reads = True
        self._is_cut = False
        self._wait = _waiting(number)

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        rest = memoryview(b"\n" + data if self._is_cut else data)
        while rest:
            self._await_reader()
            written = os.write(self._number, rest[: select.PIPE_BUF] if self._wait else rest)
            rest = rest[written:]
            self._is_cut = bool(rest)
        return len(data)

    def _await_reader(self) -> None:
        if self._wait is None:
            return
        self._reads = self._wait(self._patience if self._reads else 0)
        if not self._reads:
            raise BlockingIOError(errno.EAGAIN, "nobody reads it")


def _waiting(number: int) -> Callable[[float], bool] | None:
    """Return a function that waits so many seconds until the descriptor takes data; None if it always does."""
    with suppress(OSError):
        if stat.S_ISREG(os.fstat(number).st_mode):
            return None
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    return lambda seconds: bool(poll.poll(seconds * 1000))
