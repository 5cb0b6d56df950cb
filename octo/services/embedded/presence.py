"""The files of an open store must stay where they are: what is written into a removed file is gone with the process.

SQLite does not notice: its file lives on without a name, and so does its log.
"""

from __future__ import annotations

from pathlib import Path

from octo.services.embedded.damage import damaged


class Presence:
    """Knows the store and its log by their numbers on the disk. path: of the store, which is open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._known: dict[Path, tuple[int, int]] = {}
        self.check()

    def check(self) -> None:
        """Raise `Damaged` if another file, or none, is in the place of one that was there before."""
        for path in (self._path, self._log):
            found, known = _number(path), self._known.get(path)
            if known is None and found is not None:
                self._known[path] = found
            elif found != known:
                raise damaged(self._path, f"{path.name!r} was removed or replaced while it was in use")


def _number(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
