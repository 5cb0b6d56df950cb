"""What the running task and its callers hold, by name: waiting for that would be waiting for oneself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[frozenset[str]] = ContextVar("octo.held", default=frozenset())


def holds(name: str) -> bool:
    """Whether this task, or one that waits for it, holds what has this name."""
    return name in _current.get()


@contextmanager
def holding(name: str) -> Iterator[None]:
    """Hold it while entered."""
    token = _current.set(_current.get() | {name})
    try:
        yield
    finally:
        _current.reset(token)


def leave() -> None:
    """From now on this task holds nothing: no caller waits for it."""
    _current.set(frozenset())
