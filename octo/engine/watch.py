"""Watch the files a configuration is made of, and nothing else.

A change counts when the content of a watched file is another: saving without a change, touching, or a database
written in the same folder do not reload. Bursts are gathered for a moment, but never for longer than a second.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from pathlib import Path

QUIET = 50
"""Milliseconds without a change that end a burst."""
LONGEST_BURST = 1000
"""Milliseconds after which a burst counts even if it goes on."""

FALLBACK = 2000
"""Milliseconds after which to look even without a notice: some file systems give none."""


def fingerprint(paths: Iterable[Path]) -> str:
    """A digest of what the paths hold; a folder stands for the YAML files in it, a missing file for its absence."""
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
            found.update(each for each in path.iterdir() if each.suffix.lower() in (".yaml", ".yml"))
        else:
            found.add(path)
    return found


def notices(files: Iterable[Path], stop: asyncio.Event | None = None) -> AsyncGenerator[object, None]:
    """Something whenever something happens near the files, and now and then anyhow; ends when `stop` is set."""
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


async def changes(watched: Callable[[], Iterable[Path]], stop: asyncio.Event) -> AsyncIterator[str]:
    """The fingerprint of `watched()` each time it becomes another; ends when `stop` is set.

    `watched` is asked again after every change, because an edit may name other resources.
    """
    while not stop.is_set():
        seen, last = set(watched()), fingerprint(watched())
        async for _ in notices(seen, stop):
            current = fingerprint(watched())
            if current != last:
                last = current
                yield current
                if set(watched()) != seen:
                    break
