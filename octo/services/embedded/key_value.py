"""Key-value in the store."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from octo.core.errors import Permanent
from octo.services import codes, limits, values
from octo.services.embedded import schema
from octo.services.embedded.store import Store, Work
from octo.services.ports import Conflict, Entry, Page

_AT_ONCE = 100
"""Expired entries that a write removes, at most: so no write pays for all, and each pays for more than it adds."""


class _Row(NamedTuple):
    version: int
    expires: float | None
    value: bytes


class Entries:
    """See `octo.services.ports.KeyValue`. An expired entry is no entry, whether its row is still there or not."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health

    async def get(self, namespace: str, key: str) -> Entry | None:
        return await self._store.do(_get(limits.namespace(namespace), limits.name(key, "key")))

    async def put(
        self, namespace: str, key: str, value: object, *, version: int | None = None, ttl: float | None = None
    ) -> int:
        limits.namespace(namespace)
        limits.name(key, "key")
        limits.size(value)
        if ttl is not None:
            limits.seconds(ttl, "ttl")

        def work(connection: sqlite3.Connection, now: float) -> int:
            _expect(connection, namespace, key, version, now)
            return _write(connection, namespace, key, value, None if ttl is None else now + ttl, now)

        return await self._store.do(work)

    async def delete(self, namespace: str, key: str, *, version: int | None = None) -> None:
        limits.namespace(namespace)
        limits.name(key, "key")

        def work(connection: sqlite3.Connection, now: float) -> None:
            if _row(connection, namespace, key, now) is not None:
                _expect(connection, namespace, key, version, now)
            connection.execute("DELETE FROM entries WHERE namespace = ? AND key = ?", [namespace, key])

        await self._store.do(work)

    async def list(self, namespace: str, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        limits.namespace(namespace)
        limits.prefix(prefix)
        limits.prefix(after)
        asked = limits.most(most)

        def work(connection: sqlite3.Connection, now: float) -> Page:
            rows = connection.execute(
                "SELECT key FROM entries WHERE namespace = ? AND key > ? AND key >= ? "
                "AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ?",
                [namespace, after, prefix, now, asked + 1],
            )
            found = [key for (key,) in rows if key.startswith(prefix)]  # keys with one prefix follow one another
            return Page(tuple(found[:asked]), found[asked - 1] if len(found) > asked else "")

        return await self._store.do(work)

    async def increment(self, namespace: str, key: str, by: int = 1, *, ttl: float | None = None) -> int:
        limits.namespace(namespace)
        limits.name(key, "key")
        if ttl is not None:
            limits.seconds(ttl, "ttl")
        return await self._store.do(_incremented(namespace, key, by, ttl))


def _get(namespace: str, key: str) -> Work[Entry | None]:
    def work(connection: sqlite3.Connection, now: float) -> Entry | None:
        row = _row(connection, namespace, key, now)
        return None if row is None else Entry(values.opened(row.value, namespace, key, row.version), row.version)

    return work


def _incremented(namespace: str, key: str, by: int, ttl: float | None) -> Work[int]:
    def work(connection: sqlite3.Connection, now: float) -> int:
        row = _row(connection, namespace, key, now)
        count = 0 if row is None else values.opened(row.value, namespace, key, row.version)
        if not isinstance(count, int) or isinstance(count, bool):
            raise Permanent(f"the value under the key {key[:80]!r} is no whole number", code=codes.NO_COUNTER)
        if not limits.LEAST_COUNT <= count + by <= limits.MOST_COUNT:
            raise Permanent(f"the counter {key[:80]!r} would not fit into 64 bits", code=codes.NO_COUNTER)
        expires = row.expires if row is not None else None if ttl is None else now + ttl
        _write(connection, namespace, key, count + by, expires, now)
        return count + by

    return work


def _row(connection: sqlite3.Connection, namespace: str, key: str, now: float) -> _Row | None:
    row = connection.execute(
        "SELECT version, expires, value FROM entries WHERE namespace = ? AND key = ? "
        "AND (expires IS NULL OR expires > ?)",
        [namespace, key, now],
    ).fetchone()
    return None if row is None else _Row(*row)


def _expect(connection: sqlite3.Connection, namespace: str, key: str, version: int | None, now: float) -> None:
    if version is None:
        return
    row = _row(connection, namespace, key, now)
    found = 0 if row is None else row.version
    if version != found:
        raise Conflict(f"the entry {key[:80]!r} has version {found}, not {version}")


def _write(
    connection: sqlite3.Connection, namespace: str, key: str, value: object, expires: float | None, now: float
) -> int:
    version = schema.number(connection)
    connection.execute(
        "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)",
        [namespace, key, version, expires, values.sealed(value, namespace, key, version)],
    )
    connection.execute(
        "DELETE FROM entries WHERE (namespace, key) IN "
        "(SELECT namespace, key FROM entries WHERE expires <= ? ORDER BY expires LIMIT ?)",
        [now, _AT_ONCE],
    )
    return version
