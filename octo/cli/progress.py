"""One line about work that takes long, on standard error: rewritten on a terminal, repeated now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from octo.core.printable import printable

OFTEN, SELDOM = 0.1, 10.0
"""Seconds between two lines: on a terminal; elsewhere, where every line stays."""

Tell = Callable[[str], None]


@contextmanager
def progress(stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> Iterator[Tell]:
    """A context with a function that shows how far the work is, and for how long it goes on.

    On a terminal the line is gone afterwards. Nothing goes to standard output: a program may read that.
    """
    shown = _Line(sys.stderr if stream is None else stream, clock)
    try:
        yield shown.tell
    finally:
        shown.clear()


class _Line:
    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._live = stream.isatty()
        self._began = self._last = clock()
        self._is_shown = False

    def tell(self, text: str) -> None:
        now = self._clock()
        if now - self._last < (OFTEN if self._live else SELDOM):
            return
        self._last = now
        line = f"{printable(text)}  {now - self._began:.0f}s"
        width = shutil.get_terminal_size().columns - 1
        self._write(f"\r\x1b[K{line[:width]}" if self._live else f"{line}\n")
        self._is_shown = True

    def clear(self) -> None:
        if self._live and self._is_shown:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._live = False  # nobody reads it
