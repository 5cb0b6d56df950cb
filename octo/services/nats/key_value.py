"""Key-value in a stream: the last message on a subject is the entry, its number is the version.

A stream never gives a number twice. A deleted entry is a message that has ended: the server removes it soon after.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from weakref import WeakValueDictionary

from octo.core.errors import Permanent
from octo.services import codes, limits, values
from octo.services.nats import names, payload, streams
from octo.services.nats.store import UNTIL, Changed, Store, Stored, bounded
from octo.services.ports import Conflict, Entry, Page

_AT_ONCE = 200
"""Keys that are looked at together in a listing."""
_SUBJECTS = 100_000
"""Subjects that the server tells of at once."""


class Entries:
    """See `octo.services.ports.KeyValue`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health
        self._counting: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def get(self, namespace: str, key: str) -> Entry | None:
        limits.namespace(namespace)
        limits.name(key, "key")
        stored = await self._alive(namespace, key)
        return None if stored is None else Entry(_value(stored, namespace, key), stored.seq)

    async def put(
        self, namespace: str, key: str, value: object, *, version: int | None = None, ttl: float | None = None
    ) -> int:
        limits.namespace(namespace)
        limits.name(key, "key")
        limits.size(value)
        if ttl is not None:
            limits.seconds(ttl, "ttl")
        data = payload.written({}, values.sealed(value, namespace, key))
        if version:
            found = await self._alive(namespace, key)
            if found is None or found.seq != version:
                raise _conflict(key, found, version)
        try:
            return await self._write(namespace, key, data, version, self._until(ttl))
        except Changed:
            return await self._put_new(namespace, key, data, version or 0, ttl)

    async def _put_new(self, namespace: str, key: str, data: bytes, version: int, ttl: float | None) -> int:
        """Write over what is there, unless it is an entry."""
        while True:
            found = await self._store.last(streams.KEYS, self._subject(namespace, key))
            if version or (found is not None and self._is_alive(found)):
                raise _conflict(key, found, version)
            try:
                return await self._write(namespace, key, data, 0 if found is None else found.seq, self._until(ttl))
            except Changed:
                continue

    async def delete(self, namespace: str, key: str, *, version: int | None = None) -> None:
        limits.namespace(namespace)
        limits.name(key, "key")
        try:
            await self._write(namespace, key, b"", version, 0.0)
        except Changed:
            found = await self._alive(namespace, key)
            if found is not None:
                raise _conflict(key, found, version) from None

    async def list(self, namespace: str, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        limits.namespace(namespace)
        limits.prefix(prefix)
        limits.prefix(after)
        asked = limits.most(most)
        keys = sorted([key async for key in self._keys(namespace) if key > after and key.startswith(prefix)])
        found: list[str] = []
        while keys and len(found) <= asked:
            some, keys = keys[:_AT_ONCE], keys[_AT_ONCE:]
            found += await self._those_alive(namespace, some)
        return Page(tuple(found[:asked]), found[asked - 1] if len(found) > asked else "")

    async def _keys(self, namespace: str) -> AsyncIterator[str]:
        """Every key, also of entries that have ended but are still there."""
        offset, total = 0, 1
        while offset < total:
            found = await self._store.link.api(
                f"STREAM.INFO.{self._store.stream(streams.KEYS)}",
                subjects_filter=self._store.subject("key", namespace, "*"),
                offset=offset,
            )
            for subject in found["state"].get("subjects") or ():
                yield names.read(subject.rpartition(".")[2])
            offset, total = offset + _SUBJECTS, found.get("total", 0)

    async def _those_alive(self, namespace: str, keys: Sequence[str]) -> Iterable[str]:
        """Those that have an entry which has not ended, by the headers of their last messages."""
        subjects = {self._subject(namespace, key): key for key in keys}
        headers, now = await self._store.headers(streams.KEYS, list(subjects)), self._store.now()
        return (
            key
            for subject, key in subjects.items()
            if subject in headers and float(headers[subject].get(UNTIL, "inf")) > now
        )

    async def increment(self, namespace: str, key: str, by: int = 1, *, ttl: float | None = None) -> int:
        limits.namespace(namespace)
        limits.name(key, "key")
        if ttl is not None:
            limits.seconds(ttl, "ttl")
        lock = self._counting.setdefault((namespace, key), asyncio.Lock())
        async with lock:  # of the same process one after the other: they would only get in each other's way
            while True:
                try:
                    return await self._increment(namespace, key, by, ttl)
                except Changed:
                    continue

    async def _increment(self, namespace: str, key: str, by: int, ttl: float | None) -> int:
        found = await self._store.last(streams.KEYS, self._subject(namespace, key))
        if found is not None and self._is_alive(found):
            count, until = _count(_value(found, namespace, key), key) + by, found.until
        else:
            count, until = by, self._until(ttl)
        if not limits.LEAST_COUNT <= count <= limits.MOST_COUNT:
            raise Permanent(f"the counter {key[:80]!r} would not fit into 64 bits", code=codes.NO_COUNTER)
        data = payload.written({}, values.sealed(count, namespace, key))
        await self._write(namespace, key, data, 0 if found is None else found.seq, until)
        return count

    # --- messages ------------------------------------------------------------------------------------------------

    def _subject(self, namespace: str, key: str) -> str:
        return self._store.subject("key", namespace, names.written(key))

    async def _write(self, namespace: str, key: str, data: bytes, last: int | None, until: float | None) -> int:
        return await self._store.write(self._subject(namespace, key), data, last=last, until=until)

    async def _alive(self, namespace: str, key: str) -> Stored | None:
        found = await self._store.last(streams.KEYS, self._subject(namespace, key))
        return found if found is not None and self._is_alive(found) else None

    def _is_alive(self, found: Stored) -> bool:
        return found.until is None or found.until > self._store.now()

    def _until(self, ttl: float | None) -> float | None:
        return None if ttl is None else self._store.now() + bounded(ttl)


def _value(stored: Stored, namespace: str, key: str) -> object:
    return values.opened(payload.read(stored.data).stored, namespace, key)


def _count(value: object, key: str) -> int:
    if type(value) is not int or not limits.LEAST_COUNT <= value <= limits.MOST_COUNT:
        raise Permanent(f"the value under the key {key[:80]!r} is no whole number", code=codes.NO_COUNTER)
    return value


def _conflict(key: str, found: Stored | None, version: int | None) -> Conflict:
    return Conflict(f"the entry {key[:80]!r} has version {0 if found is None else found.seq}, not {version}")
