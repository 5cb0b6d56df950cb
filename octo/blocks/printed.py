"""What functions of authors print goes to the log, so that standard output holds only what a command says."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO, cast

from octo.core.log import fields
from octo.core.secrets import masked

log = logging.getLogger("octo.python")

MOST = 8192
"""At most this many characters become one line of the log; a longer line becomes several."""

_printing: ContextVar[_Lines | None] = ContextVar("octo_printing", default=None)


@contextmanager
def printed(function: str) -> Iterator[None]:
    """Log what the code inside writes to `sys.stdout`, line by line, with the name of the function."""
    if not isinstance(sys.stdout, _Divided):
        sys.stdout = cast(TextIO, _Divided(sys.stdout))
    lines = _Lines(function)
    token = _printing.set(lines)
    try:
        yield
    finally:
        _printing.reset(token)
        lines.end()


class _Lines:
    """The lines that one call prints."""

    def __init__(self, function: str) -> None:
        self._function = function
        self._rest = ""

    def write(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._tell(line)
        if len(self._rest) > 2 * MOST:
            # The end is kept: that of a secret may be on its way, and a part of one would not be recognised.
            rest = masked(self._rest)
            end = max(0, len(rest) - MOST) // MOST * MOST
            self._tell(rest[:end])
            self._rest = rest[end:]

    def end(self) -> None:
        self._tell(self._rest)
        self._rest = ""

    def _tell(self, line: str) -> None:
        line = masked(line)  # before it is cut
        for start in range(0, len(line), MOST):
            log.info("printed", extra=fields(function=self._function, text=line[start : start + MOST]))


class _Divided:
    """Standard output: what functions of authors write goes to their lines, all else where it went before."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        lines = _printing.get()
        if lines is None:
            return self._stream.write(text)
        lines.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for each in lines:
            self.write(each)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)
