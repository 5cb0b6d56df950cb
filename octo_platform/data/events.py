"""Topics: events that every subscriber gets. The events of a topic are numbered without a gap."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from octo.services.reader import KEPT, KEPT_DURABLE
from octo_platform.data.shelf import Shelf
from octo_platform.data.sweeping import OVERHEAD, weight
from octo_platform.storage.tables import Event, Subscriber, Topic

AGE = 3600.0
"""Seconds after which an event is gone that no durable subscriber needs."""
MOST_BYTES = 16 << 20
"""Of the events of a topic: then the oldest go, whoever needs them."""
_TRIM = 256
"""Events of a topic between two trims."""
_PAGE, _PAGE_BYTES = 100, 4 << 20
"""Events that are read together, at most."""


class Found(NamedTuple):
    """last: the number of the newest event. events: number and value of the next ones."""

    last: int
    events: list[tuple[int, bytes]]


def bell(topic: str) -> str:
    return f"topic {topic}"


def publish(shelf: Shelf, topic: str, value: bytes) -> int:
    """Add an event; return its number."""
    row = shelf.first(select(Topic.last, Topic.size).where(*_topic(shelf.id, topic)))
    shelf.grow(weight(topic, value) + (weight(topic) if row is None else 0))
    last, size = (1, len(value)) if row is None else (row.last + 1, row.size + len(value))
    if row is None:
        shelf.do(insert(Topic).values(store_id=shelf.id, topic=topic, last=last, size=size))
    else:
        shelf.do(update(Topic).where(*_topic(shelf.id, topic)).values(last=last, size=size))
    event = {"store_id": shelf.id, "topic": topic, "number": last, "value": value, "until": shelf.now + AGE}
    shelf.do(insert(Event).values(event))
    if not last % _TRIM or size > MOST_BYTES:
        _trim(shelf, topic, last, size)
    shelf.ring(bell(topic))
    return last


def after(connection: Connection, store: str, topic: str, seen: int) -> Found:
    """What comes after an event: one at least, if there are any."""
    last = _last(connection, store, topic)
    here = *_events(store, topic), Event.number > seen
    sizes = select(Event.number, func.length(Event.value)).where(*here).order_by(Event.number).limit(_PAGE)
    room, until = _PAGE_BYTES, seen
    for number, size in (connection.execute(sizes)).all():
        room -= size
        if room < 0 and until > seen:
            break
        until = number
    query = select(Event.number, Event.value).where(*here, Event.number <= until).order_by(Event.number)
    rows = (connection.execute(query)).all() if until > seen else []
    return Found(max(last, until), [(number, value) for number, value in rows])


def latest(connection: Connection, store: str, topic: str) -> int:
    """The number of the newest event: who subscribes gets those after it."""
    return _last(connection, store, topic)


def subscribe(shelf: Shelf, topic: str, name: str) -> int:
    """Remember a durable subscriber; return the number of the last event that it has done."""
    row = shelf.first(select(Subscriber.seen).where(*_subscriber(shelf, topic, name)))
    if row is not None:
        return int(row.seen)
    shelf.grow(weight(topic, name))
    seen = _last(shelf.connection, shelf.id, topic)
    shelf.do(insert(Subscriber).values(store_id=shelf.id, topic=topic, name=name, seen=seen))
    return seen


def commit(shelf: Shelf, topic: str, name: str, number: int) -> None:
    """Remember that the subscriber has done with the events up to this one. It never goes back."""
    here = *_subscriber(shelf, topic, name), Subscriber.seen < number
    shelf.do(update(Subscriber).where(*here).values(seen=number))


def forget(shelf: Shelf, topic: str, name: str) -> None:
    """Keep nothing more for this subscriber."""
    here = _subscriber(shelf, topic, name)
    if shelf.first(select(Subscriber.seen).where(*here)) is not None:
        shelf.grow(-weight(topic, name))
        shelf.do(delete(Subscriber).where(*here))


def _trim(shelf: Shelf, topic: str, last: int, size: int) -> None:
    """Remove the events that nobody can ask for, and the oldest of those that are too large together."""
    of_topic = Subscriber.store_id == shelf.id, Subscriber.topic == topic
    committed = (shelf.all(select(func.min(Subscriber.seen)).where(*of_topic)))[0][0]
    needed = last if committed is None else max(committed, last - KEPT_DURABLE)
    cut = min(needed, last - KEPT)
    if size > MOST_BYTES:
        cut = max(cut, _too_large(shelf, topic, last))
    gone = *_events(shelf.id, topic), Event.number <= cut
    query = select(func.count(), func.coalesce(func.sum(func.length(Event.value)), 0)).where(*gone)
    [(many, bytes_)] = shelf.all(query)
    if many:
        shelf.grow(-(int(bytes_) + many * (OVERHEAD + len(topic))))
        shelf.do(delete(Event).where(*gone))
        shelf.do(update(Topic).where(*_topic(shelf.id, topic)).values(size=size - int(bytes_)))


def _too_large(shelf: Shelf, topic: str, last: int) -> int:
    """The newest event that must go, so that a quarter of the room is free; never the last."""
    query = select(Event.number, func.length(Event.value)).where(*_events(shelf.id, topic))
    room = MOST_BYTES // 4 * 3
    for number, size in shelf.all(query.order_by(Event.number.desc())):
        room -= size
        if room < 0 and number != last:
            return int(number)
    return 0


def _last(connection: Connection, store: str, topic: str) -> int:
    found: Any = (connection.execute(select(Topic.last).where(*_topic(store, topic)))).scalar()
    return int(found or 0)


def _topic(store: str, topic: str) -> tuple[ColumnElement[bool], ...]:
    return Topic.store_id == store, Topic.topic == topic


def _events(store: str, topic: str) -> tuple[ColumnElement[bool], ...]:
    return Event.store_id == store, Event.topic == topic


def _subscriber(shelf: Shelf, topic: str, name: str) -> tuple[ColumnElement[bool], ...]:
    return Subscriber.store_id == shelf.id, Subscriber.topic == topic, Subscriber.name == name
