"""Conversations that end with their process."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from typing import Self

from octo.services.ports import Conflict, Entry, Page

MOST = 10_000
"""Entries; the one that was not used for longest goes first."""


class Volatile:
    """The part of a key-value service that agents need, in memory."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self._version = 0

    @classmethod
    @cache
    def of_process(cls) -> Self:
        return cls()

    async def get(self, namespace: str, key: str) -> Entry | None:
        found = self._entries.get((namespace, key))
        if found is not None:
            self._entries.move_to_end((namespace, key))
        return found

    async def put(
        self, namespace: str, key: str, value: object, *, version: int | None = None, ttl: float | None = None
    ) -> int:
        del ttl
        self._check(namespace, key, version)
        self._version += 1
        self._entries[namespace, key] = Entry(value, self._version)
        self._entries.move_to_end((namespace, key))
        while len(self._entries) > MOST:
            self._entries.popitem(last=False)
        return self._version

    async def delete(self, namespace: str, key: str, *, version: int | None = None) -> None:
        if (namespace, key) in self._entries:
            self._check(namespace, key, version)
            del self._entries[namespace, key]

    async def list(self, namespace: str, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        names = sorted(
            key for space, key in self._entries if space == namespace and key.startswith(prefix) and key > after
        )
        return Page(tuple(names[:most]), names[most - 1] if len(names) > most else "")

    async def increment(self, namespace: str, key: str, by: int = 1, *, ttl: float | None = None) -> int:
        raise NotImplementedError

    def _check(self, namespace: str, key: str, version: int | None) -> None:
        found = self._entries.get((namespace, key))
        if version is not None and version != (0 if found is None else found.version):
            raise Conflict(f"the entry {key[:80]!r} has another version")
