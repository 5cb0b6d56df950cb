"""How much a service in memory may hold."""

from __future__ import annotations

from octo.core.errors import Transient
from octo.services import codes

ENTRIES, BYTES = 100_000, 64 << 20


class Room:
    """Entries and bytes that are left. Invariant: what was taken is given back once, when the entry goes."""

    def __init__(self, what: str, entries: int = ENTRIES, size: int = BYTES) -> None:
        self._what = what
        self._entries = entries
        self._size = size

    def take(self, size: int = 0, instead: int | None = None) -> None:
        """Take room for an entry of `size` bytes, in place of one of `instead` bytes. Raises `Transient` if full."""
        entries, more = (1, size) if instead is None else (0, size - instead)
        if self._entries < entries or self._size < more:
            raise Transient(f"{self._what} in memory are full; nothing was written", code=codes.FULL)
        self._entries -= entries
        self._size -= more

    def give(self, size: int = 0) -> None:
        self._entries += 1
        self._size += size
