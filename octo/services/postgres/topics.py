"""Topics in the database: among all processes that use it, and after a crash for durable subscribers.

The number of an event comes from the row of its topic, which stays locked until the event is committed. So a reader
that has seen a number has seen all below it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from octo.services import limits, reader, values
from octo.services.grouping import BYTES, Grouped
from octo.services.ports import Subscription
from octo.services.postgres.store import Store
from octo.services.reader import KEPT, KEPT_DURABLE, Found

AGE = 3600.0
"""Seconds after which an event is gone that no durable subscriber needs."""
_TRIM = 256
"""Events of a topic between two trims."""

_PUBLISH = """
WITH given AS (
    SELECT topic, value, row_number() OVER (PARTITION BY topic ORDER BY place) AS nth
    FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS given (topic, value, place)
), numbered AS (
    INSERT INTO topics AS known SELECT topic, count(*) FROM given GROUP BY topic ORDER BY topic COLLATE "C"
    ON CONFLICT (topic) DO UPDATE SET last = known.last + excluded.last RETURNING topic, last
), counted AS (SELECT topic, count(*) AS many FROM given GROUP BY topic), added AS (
    INSERT INTO events (topic, number, until, value)
    SELECT topic, last - many + nth, now() + $3::float8 * interval '1s', value
    FROM given JOIN numbered USING (topic) JOIN counted USING (topic)
)
SELECT topic, last, many FROM numbered JOIN counted USING (topic)
"""
"""In the order of names: two processes that publish to the same topics must not wait for each other in a circle."""
_TRIMMED = """
DELETE FROM events USING (
    SELECT topic, least(last - $2, (
        SELECT CASE WHEN min(seen) IS NULL THEN last ELSE greatest(min(seen), last - $3) END
        FROM subscribers WHERE subscribers.topic = topics.topic
    )) AS needless FROM topics WHERE topic = ANY ($1::text[])
) AS trimmed WHERE events.topic = trimmed.topic AND number <= needless
"""
_AFTER = f"""
SELECT last, number, value FROM topics
LEFT JOIN LATERAL (
    SELECT number, value, sum(octet_length(value)) OVER (ORDER BY number) - octet_length(value) AS before FROM (
        SELECT number, value FROM events WHERE events.topic = topics.topic AND number > $2 ORDER BY number LIMIT 100
    ) AS next
) AS found ON before < {BYTES} WHERE topics.topic = $1 ORDER BY number
"""  # noqa: S608  a number of ours
"""At least one event, at most a hundred or so many bytes: each subscriber keeps them in memory."""
_LAST = "SELECT coalesce(max(last), 0) AS seen FROM topics WHERE topic = $1"
_REMEMBER = f"""
WITH known AS (
    INSERT INTO subscribers SELECT $1, $2, seen FROM ({_LAST}) AS latest ON CONFLICT (topic, name) DO NOTHING
    RETURNING seen
)
SELECT seen FROM known UNION ALL SELECT seen FROM subscribers WHERE topic = $1 AND name = $2
"""  # noqa: S608  names of ours
_COMMIT = "UPDATE subscribers SET seen = $3 WHERE topic = $1 AND name = $2 AND seen < $3"
_FORGET = "DELETE FROM subscribers WHERE topic = $1 AND name = $2"


class _New(NamedTuple):
    topic: str
    stored: bytes


class Reader(reader.Reader[Store]):
    """A subscription."""

    async def _after(self) -> Found:
        rows = await self._store.rows(_AFTER, self._topic, self._seen)
        last = rows[0]["last"] if rows else 0
        return Found(last, [(number, stored) for _, number, stored in rows if number is not None])

    async def _commit(self, number: int) -> None:
        await self._store.rows(_COMMIT, self._topic, self._durable, number)


class Logs:
    """See `octo.services.ports.Topics`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health
        self._publishing: Grouped[_New, None] = Grouped(store.tasks, self._publish)

    async def publish(self, topic: str, value: object) -> None:
        limits.name(topic, "topic name")
        limits.size(value)
        stored = values.sealed(value, topic)
        await self._publishing.ask(_New(topic, stored), len(stored))

    async def _publish(self, events: Sequence[_New]) -> list[Exception | None]:
        topics, stored = [each.topic for each in events], [each.stored for each in events]
        rows = await self._store.rows(_PUBLISH, topics, stored, AGE)
        for topic in set(topics):
            self._store.ring(_bell(topic))
        if full := [topic for topic, last, many in rows if last // _TRIM != (last - many) // _TRIM]:
            await self._store.rows(_TRIMMED, full, KEPT, KEPT_DURABLE)
        return [None] * len(events)

    @asynccontextmanager
    async def subscribe(self, topic: str, *, durable: str = "") -> AsyncIterator[Subscription]:
        limits.name(topic, "topic name")
        if durable:
            limits.name(durable, "subscriber name")
        yield Reader(self._store, topic, durable, await self._seen(topic, durable))

    async def _seen(self, topic: str, durable: str) -> int:
        while True:
            query, names = (_REMEMBER, (topic, durable)) if durable else (_LAST, (topic,))
            for (seen,) in await self._store.rows(query, *names):
                return seen  # type: ignore[no-any-return]
            # Another task subscribed under this name at the same moment.

    async def forget(self, topic: str, durable: str) -> None:
        limits.name(topic, "topic name")
        limits.name(durable, "subscriber name")
        await self._store.rows(_FORGET, topic, durable)


def _bell(topic: str) -> str:
    return f"topic {topic}"
