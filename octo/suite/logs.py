"""The log of a case: collected while it runs, shown if it goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from octo.core.log import Text

MOST_LINES = 50
"""At most this many lines of one case are kept; the first ones say what went wrong."""

_lines: ContextVar[list[str] | None] = ContextVar("octo.testing.lines", default=None)


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect the lines that are logged in this context, and in the threads and tasks that it starts."""
    lines: list[str] = []
    token = _lines.set(lines)
    try:
        yield lines
    finally:
        _lines.reset(token)


class Listener(logging.Handler):
    """Adds each line to the case that logged it; lines that belong to no case are dropped."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.setFormatter(Text())

    def emit(self, record: logging.LogRecord) -> None:
        lines = _lines.get()
        if record.getMessage() == "flow failed" and not record.exc_info:
            return  # the report of the case says it already
        if lines is not None and len(lines) < MOST_LINES:
            lines.append(self.format(record))


@contextmanager
def quiet() -> Iterator[None]:
    """Log only errors, and add them to the cases that logged them."""
    root, octo = logging.getLogger(), logging.getLogger("octo")
    handler, level = Listener(), octo.level
    root.addHandler(handler)
    octo.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.removeHandler(handler)
        octo.setLevel(level)
