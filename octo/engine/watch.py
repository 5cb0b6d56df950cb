"""Watch the files a configuration is made of, and nothing else.

A change counts when the content of a watched file differs: saving without a change, touching, or a database written in
the same folder causes no reload. Changes in a burst are gathered for a moment, but at most for a second.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

from octo.config.files import yaml_files
from octo.engine.background import in_background

T = TypeVar("T")

QUIET = 50
"""Milliseconds without a change that end a burst."""
LONGEST_BURST = 1000
"""Milliseconds after which a burst counts even if it goes on."""

FALLBACK = 2000
"""Milliseconds after which the files are read even without a notice: some file systems give none."""


def fingerprint(paths: Iterable[Path]) -> str:
    """Return a digest of the files: their content, the YAML files in a folder, the absence of a missing one."""
    digest = hashlib.blake2b()
    for path in sorted(_files(paths)):
        digest.update(str(path).encode() + b"\0")
        try:
            digest.update(path.read_bytes())
        except OSError:
            digest.update(b"absent")
        digest.update(b"\0")
    return digest.hexdigest()


def _files(paths: Iterable[Path]) -> set[Path]:
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found.update(yaml_files(path))
        else:
            found.add(path)
    return found


def notices(files: Iterable[Path], stop: asyncio.Event | None = None) -> AsyncGenerator[object, None]:
    """Yield when something changes in the files' folders, and every `FALLBACK` anyhow; end when `stop` is set."""
    from watchfiles import awatch

    folders = {path if path.is_dir() else path.parent for path in map(Path.absolute, files)}
    return awatch(
        *(folder for folder in folders if folder.is_dir()),
        stop_event=stop,
        recursive=False,
        step=QUIET,
        debounce=LONGEST_BURST,
        watch_filter=None,
        rust_timeout=FALLBACK,
        yield_on_timeout=True,
    )


class Watch:
    """The files as they were before they were last read, so that an edit during the reading is not lost.

    named: returns the files that decide what reading gives, as far as is known; called again after each reading.
    """

    def __init__(self, named: Callable[[], Iterable[Path]]) -> None:
        self._named = named
        self._files: set[Path] = set()
        self._seen = ""

    def read(self, load: Callable[[], T]) -> T:
        """Return or raise what `load` does.

        Invariant: the fingerprint of a file is taken before it is read. If a reading names further files, everything is
        read once more, because they have no fingerprint yet.
        """
        while True:
            self._files = set(self._named())
            self._seen = fingerprint(self._files)
            try:
                found = load()
            except Exception:
                if self._knows_all():
                    raise
            else:
                if self._knows_all():
                    return found

    def _knows_all(self) -> bool:
        return _files(self._named()) <= _files(self._files)

    async def changed(self, stop: asyncio.Event | None = None) -> bool:
        """Wait until the files differ from what they were before they were read; False if `stop` is set first."""
        if await in_background(self._differs):
            return True
        async with aclosing(notices(self._files, stop)) as happening:
            async for _ in happening:
                if await in_background(self._differs):
                    return True
        return False

    def _differs(self) -> bool:
        return fingerprint(self._files) != self._seen
