"""Topics in a stream: among all processes that use it, and after a crash for durable subscribers.

A subscriber reads on from the number of the last event that it was given, so a lost connection loses nothing. A durable
one also has a message with the number of the event it has committed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

from nats.aio.msg import Msg

from octo.services import limits, values
from octo.services.nats import names, payload, streams
from octo.services.nats.connection import header
from octo.services.nats.link import moment
from octo.services.nats.store import Changed, Store
from octo.services.nats.sweep import AGE
from octo.services.ports import Event, Lagged, Subscription
from octo.services.reader import KEPT, KEPT_DURABLE

_AT_ONCE, _BYTES = 100, 4 << 20
"""Events of one look, and their bytes, about: each subscriber keeps them in memory."""


class _Mark(NamedTuple):
    """What a durable subscriber has committed. seq: the number of the message that says so."""

    seen: int
    seq: int


class Reader:
    """A subscription. seen: the number of the last event that it was given."""

    def __init__(self, store: Store, topic: str, durable: str, mark: _Mark) -> None:
        self._store = store
        self._topic = topic
        self._subject = _subject(store, topic)
        self._durable = _durable(store, topic, durable) if durable else ""
        self._kept = KEPT_DURABLE if durable else KEPT
        self._seen = self._wanted = mark.seen
        self._mark: _Mark | None = mark
        self._committing = asyncio.Lock()
        self._read: deque[Msg] = deque()
        self._sure = store.now()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not self._read:
            await self._more()
        message = self._read.popleft()
        self._seen = _seq(message)
        return Event(_value(message, self._topic), str(self._seen))

    async def _more(self) -> None:
        """Wait until there is something to read."""
        with self._store.listening(_bell(self._topic)) as bell:
            while not self._read:
                now = self._store.now()
                found = await self._after(_AT_ONCE)
                if not self._durable and now > self._sure + AGE:
                    self._sure = now
                    raise self._lagged("Events")
                if found and (gone := _left(found) - self._kept) > 0:
                    await self._skip(gone)
                    raise self._lagged(f"{gone} events")
                self._sure = _time(found[-1]) if found else now
                self._read.extend(found)
                if not found:
                    await bell.heard()

    async def _after(self, most: int) -> Sequence[Msg]:
        answer = await self._store.after(streams.TOPICS, self._subject, self._seen, most, _BYTES)
        return answer.messages

    async def _skip(self, gone: int) -> None:
        """Go on after so many events."""
        while gone and (found := await self._after(min(gone, limits.LARGEST_PAGE))):
            self._seen = _seq(found[-1])
            gone -= len(found)

    def _lagged(self, what: str) -> Lagged:
        return Lagged(f"{what} of the topic {self._topic[:80]!r} are gone: this subscriber is too slow")

    # --- committing ----------------------------------------------------------------------------------------------

    async def commit(self, event: Event) -> None:
        if not self._durable:
            return
        self._wanted = max(self._wanted, int(event.cursor))
        async with self._committing:  # what came meanwhile goes with the next
            if self._mark is not None and self._mark.seen < self._wanted:
                await self._commit(self._mark, self._wanted)

    async def _commit(self, mark: _Mark | None, wanted: int) -> None:
        while mark is not None and mark.seen < wanted:
            try:
                seq = await self._store.write(self._durable, _marked(wanted), last=mark.seq)
            except Changed:
                mark = await _read_mark(self._store, self._durable)
            else:
                mark = _Mark(wanted, seq)
        self._mark = mark  # None if it was forgotten


class Logs:
    """See `octo.services.ports.Topics`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health

    async def publish(self, topic: str, value: object) -> None:
        limits.name(topic, "topic name")
        limits.size(value)
        await self._store.write(_subject(self._store, topic), payload.written({}, values.sealed(value, topic)))
        await self._store.ring(_bell(topic))

    @asynccontextmanager
    async def subscribe(self, topic: str, *, durable: str = "") -> AsyncIterator[Subscription]:
        limits.name(topic, "topic name")
        if durable:
            limits.name(durable, "subscriber name")
        yield Reader(self._store, topic, durable, await self._remembered(topic, durable))

    async def _remembered(self, topic: str, durable: str) -> _Mark:
        """What it has committed; at first, or without a name, the end of the stream."""
        if not durable:
            return _Mark(await self._last(), 0)
        subject = _durable(self._store, topic, durable)
        while (mark := await _read_mark(self._store, subject)) is None:
            last = await self._last()
            try:
                return _Mark(last, await self._store.write(subject, _marked(last), last=0))
            except Changed:
                continue
        return mark

    async def _last(self) -> int:
        return int((await self._store.link.look(self._store.stream(streams.TOPICS)))["state"]["last_seq"])

    async def forget(self, topic: str, durable: str) -> None:
        limits.name(topic, "topic name")
        limits.name(durable, "subscriber name")
        while (mark := await _read_mark(self._store, _durable(self._store, topic, durable))) is not None:
            await self._store.remove(streams.KEYS, mark.seq)


def _subject(store: Store, topic: str) -> str:
    return store.subject("topic", names.token(topic))


def _durable(store: Store, topic: str, name: str) -> str:
    return store.subject("seen", names.token(topic), names.token(name))


def _bell(topic: str) -> str:
    return f"topic {names.token(topic)}"


def _marked(seen: int) -> bytes:
    return payload.written({"seen": seen}, b"")


async def _read_mark(store: Store, subject: str) -> _Mark | None:
    found = await store.last(streams.KEYS, subject)
    return None if found is None else _Mark(int(payload.read(found.data).about["seen"]), found.seq)


def _seq(message: Msg) -> int:
    return int(header(message, "Nats-Sequence"))


def _time(message: Msg) -> float:
    return moment(header(message, "Nats-Time-Stamp"))


def _left(found: Sequence[Msg]) -> int:
    """How many events there are, from the first of these on."""
    return 1 + int(header(found[0], "Nats-Num-Pending"))


def _value(message: Msg, topic: str) -> object:
    try:
        stored = payload.read(message.data).stored
    except ValueError:
        stored = message.data  # its checksum will be wrong
    return values.opened(stored, topic)
