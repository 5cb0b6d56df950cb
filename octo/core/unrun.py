"""Modules of an author that are only read, so that looking at a configuration runs nothing that it brings along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_FOLDER: ContextVar[Path | None] = ContextVar("octo_unrun", default=None)


@contextmanager
def only_read(folder: Path) -> Iterator[None]:
    """Within it, modules in this folder are read and never imported."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def folder() -> Path | None:
    """The folder whose modules are only read; None where they are imported."""
    return _FOLDER.get()
