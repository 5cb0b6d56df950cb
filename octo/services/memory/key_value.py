"""Key-value in memory."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from octo.core.errors import Permanent
from octo.services import codes, limits
from octo.services.memory.room import BYTES, ENTRIES, Room
from octo.services.paging import page
from octo.services.ports import Conflict, Entry, KeyValue, Page

_SPARE = 1000
"""Times of keys that were written again may be kept besides two for each key, before they are sorted out."""


class _Cell(NamedTuple):
    value: object
    version: int
    expires: float | None
    size: int


class Store:
    """See `octo.services.ports.KeyValue`. No method waits between looking and writing, so each is atomic."""

    def __init__(self, entries: int = ENTRIES, size: int = BYTES) -> None:
        self._spaces: dict[str, dict[str, _Cell]] = {}
        self._room = Room("key-value entries", entries, size)
        self._version = 0
        self._expiring: list[tuple[float, str, str]] = []

    async def get(self, namespace: str, key: str) -> Entry | None:
        cell = self._cell(namespace, limits.name(key, "key"))
        return None if cell is None else Entry(cell.value, cell.version)

    async def put(
        self, namespace: str, key: str, value: object, *, version: int | None = None, ttl: float | None = None
    ) -> int:
        cell = self._cell(namespace, limits.name(key, "key"))
        _expect(cell, key, version)
        return self._write(namespace, key, value, self._end(ttl))

    async def delete(self, namespace: str, key: str, *, version: int | None = None) -> None:
        cell = self._cell(namespace, limits.name(key, "key"))
        if cell is not None:
            _expect(cell, key, version)
            self._remove(namespace, key)

    async def list(self, namespace: str, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        self._expire()
        return page(self._spaces.get(limits.namespace(namespace), {}), prefix, after, most)

    async def increment(self, namespace: str, key: str, by: int = 1, *, ttl: float | None = None) -> int:
        cell = self._cell(namespace, limits.name(key, "key"))
        count = 0 if cell is None else cell.value
        if not isinstance(count, int) or isinstance(count, bool):
            raise Permanent(f"the value under the key {key[:80]!r} is no whole number", code=codes.NO_COUNTER)
        if not limits.LEAST_COUNT <= count + by <= limits.MOST_COUNT:
            raise Permanent(f"the counter {key[:80]!r} would not fit into 64 bits", code=codes.NO_COUNTER)
        expires = self._end(ttl)
        self._write(namespace, key, count + by, expires if cell is None else cell.expires)
        return count + by

    # --- cells ---------------------------------------------------------------------------------------------------

    def _cell(self, namespace: str, key: str) -> _Cell | None:
        self._expire()
        return self._spaces.get(limits.namespace(namespace), {}).get(key)

    def _write(self, namespace: str, key: str, value: object, expires: float | None) -> int:
        size = limits.size(value) + len(key)
        old = self._spaces.get(namespace, {}).get(key)
        self._room.take(size, None if old is None else old.size)
        self._version += 1
        self._spaces.setdefault(namespace, {})[key] = _Cell(value, self._version, expires, size)
        if expires is not None:
            heapq.heappush(self._expiring, (expires, namespace, key))
        return self._version

    def _remove(self, namespace: str, key: str) -> None:
        space = self._spaces[namespace]
        self._room.give(space.pop(key).size)
        if not space:
            del self._spaces[namespace]

    # --- time ----------------------------------------------------------------------------------------------------

    def _end(self, ttl: float | None) -> float | None:
        return None if ttl is None else asyncio.get_running_loop().time() + limits.seconds(ttl, "ttl")

    def _expire(self) -> None:
        """Remove expired entries. The heap may name entries that were written again since and expire later."""
        now = asyncio.get_running_loop().time()
        while self._expiring and self._expiring[0][0] <= now:
            _, namespace, key = heapq.heappop(self._expiring)
            cell = self._spaces.get(namespace, {}).get(key)
            if cell is not None and cell.expires is not None and cell.expires <= now:
                self._remove(namespace, key)
        if len(self._expiring) > _SPARE + 2 * sum(map(len, self._spaces.values())):
            self._expiring = [
                (cell.expires, namespace, key)
                for namespace, space in self._spaces.items()
                for key, cell in space.items()
                if cell.expires is not None
            ]
            heapq.heapify(self._expiring)


def _expect(cell: _Cell | None, key: str, version: int | None) -> None:
    found = 0 if cell is None else cell.version
    if version is not None and version != found:
        raise Conflict(f"the entry {key[:80]!r} has version {found}, not {version}")


@asynccontextmanager
async def opened() -> AsyncIterator[KeyValue]:
    """A new store, shared with nothing else."""
    yield Store()
