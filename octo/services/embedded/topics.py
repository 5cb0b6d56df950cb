"""Topics in the store: among the processes of one machine, and after a crash for durable subscribers."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from octo.services import limits, reader, values
from octo.services.embedded.store import Store, Work
from octo.services.ports import Subscription
from octo.services.reader import KEPT, KEPT_DURABLE, Found

AGE = 3600.0
"""Seconds after which an event is gone that no durable subscriber needs: nobody is known to need it, because the
subscribers of other processes are not."""
_AT_ONCE = 100
"""Events of other topics that a publication removes, at most."""


class Reader(reader.Reader[Store]):
    """A subscription. Each row is sealed with the number of its event."""

    async def _after(self) -> Found:
        return await self._store.do(_after(self._topic, self._seen))

    async def _commit(self, number: int) -> None:
        await self._store.do(_commit(self._topic, self._durable, number))

    def _opened(self, number: int, stored: bytes) -> object:
        return values.opened(stored, self._topic, number)


class Logs:
    """See `octo.services.ports.Topics`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health

    async def publish(self, topic: str, value: object) -> None:
        limits.name(topic, "topic name")
        limits.size(value)

        def work(connection: sqlite3.Connection, now: float) -> None:
            number = connection.execute(
                "INSERT INTO topics VALUES (?, 1) ON CONFLICT (topic) DO UPDATE SET last = last + 1 RETURNING last",
                [topic],
            ).fetchone()[0]
            connection.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?)",
                [topic, number, now + AGE, values.sealed(value, topic, number)],
            )
            _trim(connection, topic, number, now)

        await self._store.do(work)
        self._store.ring(_bell(topic))

    @asynccontextmanager
    async def subscribe(self, topic: str, *, durable: str = "") -> AsyncIterator[Subscription]:
        limits.name(topic, "topic name")
        if durable:
            limits.name(durable, "subscriber name")

        def work(connection: sqlite3.Connection, _: float) -> int:
            last = connection.execute("SELECT max(last) FROM topics WHERE topic = ?", [topic]).fetchone()[0] or 0
            if not durable:
                return last
            connection.execute("INSERT OR IGNORE INTO subscribers VALUES (?, ?, ?)", [topic, durable, last])
            row = connection.execute("SELECT seen FROM subscribers WHERE topic = ? AND name = ?", [topic, durable])
            return row.fetchone()[0]  # type: ignore[no-any-return]

        yield Reader(self._store, topic, durable, await self._store.do(work))

    async def forget(self, topic: str, durable: str) -> None:
        limits.name(topic, "topic name")
        limits.name(durable, "subscriber name")

        def work(connection: sqlite3.Connection, _: float) -> None:
            connection.execute("DELETE FROM subscribers WHERE topic = ? AND name = ?", [topic, durable])

        await self._store.do(work)


def _trim(connection: sqlite3.Connection, topic: str, last: int, now: float) -> None:
    """Remove the events that nobody can ask for: those beyond the limits, and old ones of any topic."""
    committed = connection.execute("SELECT min(seen) FROM subscribers WHERE topic = ?", [topic]).fetchone()[0]
    needed = last if committed is None else max(committed, last - KEPT_DURABLE)
    connection.execute("DELETE FROM events WHERE topic = ? AND number <= ?", [topic, min(needed, last - KEPT)])
    connection.execute(
        "DELETE FROM events WHERE (topic, number) IN (SELECT events.topic, number FROM events "
        "WHERE until <= ? AND NOT EXISTS "
        "(SELECT 1 FROM subscribers WHERE subscribers.topic = events.topic AND seen < number) "
        "ORDER BY until LIMIT ?)",
        [now, _AT_ONCE],
    )


def _after(topic: str, seen: int) -> Work[Found]:
    def work(connection: sqlite3.Connection, _: float) -> Found:
        last = connection.execute("SELECT max(last) FROM topics WHERE topic = ?", [topic]).fetchone()[0] or 0
        rows = connection.execute(
            "SELECT number, value FROM events WHERE topic = ? AND number > ? ORDER BY number LIMIT 100", [topic, seen]
        )
        return Found(last, rows.fetchall())

    return work


def _commit(topic: str, durable: str, number: int) -> Work[None]:
    def work(connection: sqlite3.Connection, _: float) -> None:
        connection.execute(
            "UPDATE subscribers SET seen = max(seen, ?) WHERE topic = ? AND name = ?", [number, topic, durable]
        )

    return work


def _bell(topic: str) -> str:
    return f"topic {topic}"
