"""Repeated log lines: the first few of a kind are written, the others counted, so that trouble never floods the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

FIRST = 10
"""At most this many lines of a kind are written within each `SPAN`."""
SPAN = 10.0
"""Seconds after which a kind of line counts as new, and one line says how many were left out."""
KINDS = 1_000
"""At most this many kinds are counted; lines of further kinds are all written. No content of messages is in a kind."""

Kind = tuple[object, ...]


class Count:
    """Lines of one kind since its span began, and the last of them."""

    __slots__ = ("began", "last", "lines")

    def __init__(self, began: float, last: logging.LogRecord) -> None:
        self.began = began
        self.last = last
        self.lines = 0


class Left(NamedTuple):
    """How often lines like `last` were left out."""

    times: int
    last: logging.LogRecord


class Repeats:
    """Decides which lines are written. Lines below WARN always are: they come once per start, or an author asked for
    them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[Kind, Count] = {}
        self._next = 0.0

    def admits(self, record: logging.LogRecord) -> bool:
        """Whether to write this line."""
        if record.levelno < logging.WARNING or record.name == AUTHORS:
            return True
        kind, now = _kind(record), self._clock()
        count = self._counts.get(kind)
        if count is None:
            if len(self._counts) >= KINDS:
                return True
            count = self._counts[kind] = Count(now, record)
        count.lines += 1
        count.last = record
        return count.lines <= FIRST

    def left_out(self, *, everything: bool = False) -> list[Left]:
        """What was left out in the spans that are over, or in all of them; each is returned once."""
        now = self._clock()
        if not everything and now < self._next:
            return []
        self._next = now + 1.0
        over = {kind: each for kind, each in self._counts.items() if everything or now - each.began >= SPAN}
        for kind in over:
            del self._counts[kind]
        return [Left(each.lines - FIRST, each.last) for each in over.values() if each.lines > FIRST]


AUTHORS = "octo.flow"
"""The logger of `log` blocks: authors ask for those lines, so all are written."""


def _kind(record: logging.LogRecord) -> Kind:
    fields = getattr(record, "fields", None) or {}
    return (record.name, record.levelno, record.msg, *(fields.get(name) for name in ("flow", "path", "code", "source")))
