"""Cells: values of any size in the key-value service, whose own values are limited to 1 MiB.

A small value is an entry. A larger one is cut into parts, and its entry names them; the parts are written first. So a
cell always has a whole value, the old or the new one, and its version tells of every write.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import NamedTuple

from octo.core import codec
from octo.core.errors import Permanent
from octo.core.message import new_id
from octo.services.ports import Conflict, KeyValue

PART = 1 << 19
"""Bytes of one part."""
LARGEST = 64 << 20
"""Bytes of a value at most, compressed: what a message with a large body takes."""


class Cell(NamedTuple):
    """A value with its version, 0 if there is none. parts: the keys of its parts."""

    value: object = None
    version: int = 0
    parts: tuple[str, ...] = ()


class Cells:
    """The cells of one namespace."""

    def __init__(self, store: KeyValue, namespace: str) -> None:
        self._store = store
        self._namespace = namespace
        self._of_parts = f"{namespace}-parts"

    async def read(self, key: str) -> Cell:
        """The cell. Raises `Permanent` if a part of it is missing."""
        entry = await self._store.get(self._namespace, key)
        if entry is None:
            return Cell()
        kept = entry.value
        assert isinstance(kept, dict)
        parts = tuple(kept.get("parts", ()))
        data = b"".join(await asyncio.gather(*map(self._part, parts))) if parts else kept["data"]
        return Cell(codec.read(zlib.decompress(data)), entry.version, parts)

    async def _part(self, key: str) -> bytes:
        entry = await self._store.get(self._of_parts, key)
        if entry is None or not isinstance(entry.value, bytes):
            raise Permanent(f"a part of the stored value is missing: {key}")
        return entry.value

    async def write(self, key: str, value: object, over: Cell, ttl: float | None = None) -> Cell:
        """Write the value over this cell; returns the new one.

        Raises `Conflict` if another value was written meanwhile. The same value is this very write, done before a
        connection was lost: values say who writes them.
        """
        data = zlib.compress(codec.write_kinds(value), 1)
        if len(data) > LARGEST:
            raise Permanent(f"it takes {len(data):,} bytes, and the journal keeps at most {LARGEST:,} of a message")
        parts = await self._cut(key, data, ttl) if len(data) > PART else ()
        kept = {"parts": list(parts)} if parts else {"data": data}
        try:
            version = await self._store.put(self._namespace, key, kept, version=over.version, ttl=ttl)
        except Conflict:
            now = await self.read(key)
            if now.value != value:
                raise
            version, parts = now.version, now.parts
        await self._remove(over.parts)
        return Cell(value, version, parts)

    async def _cut(self, key: str, data: bytes, ttl: float | None) -> tuple[str, ...]:
        name = f"{key[:400]}/{new_id()}"
        pieces = {f"{name}/{at}": data[at : at + PART] for at in range(0, len(data), PART)}
        await asyncio.gather(*(self._store.put(self._of_parts, each, piece, ttl=ttl) for each, piece in pieces.items()))
        return tuple(pieces)

    async def delete(self, key: str, cell: Cell) -> None:
        """Remove the cell. Raises `Conflict` if it was written meanwhile."""
        await self._store.delete(self._namespace, key, version=cell.version or None)
        await self._remove(cell.parts)

    async def _remove(self, parts: tuple[str, ...]) -> None:
        await asyncio.gather(*(self._store.delete(self._of_parts, each) for each in parts))

    async def keys(self, prefix: str = "", after: str = "") -> tuple[tuple[str, ...], str]:
        """The next keys, and where to go on; "" at the end."""
        page = await self._store.list(self._namespace, prefix, after=after, most=1000)
        return page.names, page.after
