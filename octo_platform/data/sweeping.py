"""What a store needs now and then: what is over is removed, what is left is counted, and the clock is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, literal, select, update

from octo_platform.storage.tables import (
    Entry,
    Event,
    Lease,
    QueueMessage,
    Reply,
    SentKey,
    Subscriber,
    Topic,
)

OVERHEAD = 100
"""Bytes that each row counts beside its names and values: else a million empty ones would be nothing."""

_WEIGHED: Sequence[tuple[Any, tuple[Any, ...]]] = (
    (Entry, (Entry.namespace, Entry.key, Entry.value)),
    (Lease, (Lease.name,)),
    (QueueMessage, (QueueMessage.queue, QueueMessage.value, QueueMessage.reason, QueueMessage.ordering)),
    (SentKey, (SentKey.queue, SentKey.key)),
    (Reply, (Reply.value, Reply.reason)),
    (Topic, (Topic.topic,)),
    (Event, (Event.topic, Event.value)),
    (Subscriber, (Subscriber.topic, Subscriber.name)),
)
"""What counts of each row."""
_MOMENTS: Sequence[tuple[Any, str]] = (
    *(
        (Entry, "until"),
        (Lease, "until"),
        (QueueMessage, "due"),
        (SentKey, "until"),
        (Reply, "until"),
        (Event, "until"),
    ),
)


def weight(*parts: str | bytes | None) -> int:
    """What a row with these names and values counts."""
    return OVERHEAD + sum(len(each) for each in parts if each is not None)


def swept(connection: Connection, store: str, now: float) -> int:
    """Remove what is over. Return the bytes of what is left."""
    of_topic = Subscriber.store_id == Event.store_id, Subscriber.topic == Event.topic
    needed = exists().where(*of_topic, Subscriber.seen < Event.number).correlate(Event)
    over: Sequence[tuple[Any, ColumnElement[bool]]] = (
        *((each, each.until <= now) for each in (Entry, Lease, SentKey, Reply)),
        # Old events that no durable subscriber needs: who else reads them is not known, but had an hour.
        (Event, and_(Event.until <= now, ~needed)),
    )
    for table, is_over in over:
        connection.execute(delete(table).where(table.store_id == store, is_over))
    connection.execute(resized(store))
    return sum([_counted(connection, store, *each) for each in _WEIGHED])


def resized(store: str) -> Any:
    """Topics count their events anew."""
    of_topic = Event.store_id == Topic.store_id, Event.topic == Topic.topic
    size = (
        select(func.coalesce(func.sum(func.length(Event.value)), 0)).where(*of_topic).correlate(Topic).scalar_subquery()
    )
    return update(Topic).where(Topic.store_id == store).values(size=size)


def _counted(connection: Connection, store: str, table: Any, parts: Sequence[Any]) -> int:
    size = sum((func.coalesce(func.length(each), 0) for each in parts), start=literal(OVERHEAD))
    query = select(func.coalesce(func.sum(size), 0)).where(table.store_id == store)
    return int((connection.execute(query)).scalar_one())


def turn_back(connection: Connection, store: str, by: float) -> None:
    """The clock went back: leases, delays and times to live last about as long as they would have."""
    for table, name in _MOMENTS:
        column = getattr(table, name)
        query = update(table).where(table.store_id == store, column.is_not(None))
        connection.execute(query.values({name: column - by}))
