"""The log of a case: kept while it runs, shown if it goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from octo.core.log import Text

MOST_LINES = 50
"""Lines kept of one case; the first ones tell what went wrong."""

_lines: ContextVar[list[str] | None] = ContextVar("octo.testing.lines", default=None)


@contextmanager
def listening() -> Iterator[list[str]]:
    """The lines that are logged in this context from now on; threads and tasks it starts included."""
    lines: list[str] = []
    token = _lines.set(lines)
    try:
        yield lines
    finally:
        _lines.reset(token)


class Listener(logging.Handler):
    """Hands each line to the case that wrote it; lines of nobody are dropped."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.setFormatter(Text())

    def emit(self, record: logging.LogRecord) -> None:
        lines = _lines.get()
        if record.getMessage() == "flow failed" and not record.exc_info:
            return  # what the case tells anyhow
        if lines is not None and len(lines) < MOST_LINES:
            lines.append(self.format(record))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the log of the process to errors, and hand these to the cases instead of writing them."""
    root, octo = logging.getLogger(), logging.getLogger("octo")
    handler, level = Listener(), octo.level
    root.addHandler(handler)
    octo.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.removeHandler(handler)
        octo.setLevel(level)
