"""Topics in the store: among the processes of one machine, and after a crash for durable subscribers."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

from octo.services import limits, values
from octo.services.embedded.store import Store, Work
from octo.services.ports import Event, Lagged, Subscription

KEPT, KEPT_DURABLE = 1000, 10_000
"""At most this many events are kept for a subscriber."""
AGE = 3600.0
"""Seconds after which an event is gone that no durable subscriber needs: nobody is known to need it, because the
subscribers of other processes are not."""
_AT_ONCE = 100
"""Events of other topics that a publication removes, at most."""


class _Found(NamedTuple):
    """last: the number of the newest event. rows: number and value of the next ones."""

    last: int
    rows: list[tuple[int, bytes]]


class Reader:
    """A subscription. seen: the number of the last event it was given."""

    def __init__(self, store: Store, topic: str, durable: str, seen: int) -> None:
        self._store = store
        self._topic = topic
        self._durable = durable
        self._kept = KEPT_DURABLE if durable else KEPT
        self._seen = seen
        self._read: list[tuple[int, bytes]] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not self._read:
            await self._more()
        number, stored = self._read.pop()
        self._seen = number
        return Event(values.opened(stored, self._topic, number), str(number))

    async def _more(self) -> None:
        """Wait until there is something to read."""
        with self._store.listening(_bell(self._topic)) as bell:
            while not self._read:
                last, rows = await self._store.do(_after(self._topic, self._seen))
                self._keep_up(last, rows)
                self._read = rows[::-1]
                if not rows:
                    await bell.heard()

    def _keep_up(self, last: int, rows: list[tuple[int, bytes]]) -> None:
        """Raise `Lagged` if events are gone that this subscriber has not seen."""
        oldest = max(rows[0][0] if rows else last + 1, last - self._kept + 1)
        gone = oldest - self._seen - 1
        if gone > 0:
            self._seen = oldest - 1
            raise Lagged(f"{gone} events of the topic {self._topic[:80]!r} are gone: this subscriber is too slow")

    async def commit(self, event: Event) -> None:
        if self._durable:
            await self._store.do(_commit(self._topic, self._durable, int(event.cursor)))


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


def _after(topic: str, seen: int) -> Work[_Found]:
    def work(connection: sqlite3.Connection, _: float) -> _Found:
        last = connection.execute("SELECT max(last) FROM topics WHERE topic = ?", [topic]).fetchone()[0] or 0
        rows = connection.execute(
            "SELECT number, value FROM events WHERE topic = ? AND number > ? ORDER BY number LIMIT 100", [topic, seen]
        )
        return _Found(last, rows.fetchall())

    return work


def _commit(topic: str, durable: str, number: int) -> Work[None]:
    def work(connection: sqlite3.Connection, _: float) -> None:
        connection.execute(
            "UPDATE subscribers SET seen = max(seen, ?) WHERE topic = ? AND name = ?", [number, topic, durable]
        )

    return work


def _bell(topic: str) -> str:
    return f"topic {topic}"
