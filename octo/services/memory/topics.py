"""Topics in memory: among the tasks of one process."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

from octo.core.errors import Transient
from octo.services import codes, limits
from octo.services.bells import Bells
from octo.services.memory.room import ENTRIES
from octo.services.ports import Event, Lagged, Subscription, Topics
from octo.services.reader import KEPT, KEPT_DURABLE

BYTES = 16 << 20
"""At most this many bytes of events are kept of one topic."""


class _Kept(NamedTuple):
    number: int
    value: object
    size: int


class _Log:
    """The events of one topic that a subscriber still needs.

    readers: the open subscriptions. durable: the number of the event that each durable subscriber has committed.
    """

    def __init__(self) -> None:
        self.events: deque[_Kept] = deque()
        self.last = 0
        self.size = 0
        self.readers: set[Reader] = set()
        self.durable: dict[str, int] = {}

    @property
    def is_needed(self) -> bool:
        return bool(self.readers or self.durable)

    def add(self, value: object, size: int) -> None:
        self.last += 1
        self.events.append(_Kept(self.last, value, size))
        self.size += size
        self.trim()

    def trim(self) -> None:
        """Drop the events that every subscriber has seen, and the oldest beyond the limits."""
        needed = [max(reader.seen, self.last - reader.kept) for reader in self.readers]
        needed += [max(seen, self.last - KEPT_DURABLE) for seen in self.durable.values()]
        seen = min(needed, default=self.last)
        while self.events and (self.events[0].number <= seen or (self.size > BYTES and len(self.events) > 1)):
            self.size -= self.events.popleft().size

    def after(self, seen: int) -> _Kept | None:
        """The oldest event after `seen` that is kept, None if there is none."""
        if seen >= self.last:
            return None
        return self.events[max(0, seen + 1 - self.events[0].number)]


class Reader:
    """A subscription. seen: the number of the last event it was given. kept: how many events are kept for it."""

    def __init__(self, topic: str, log: _Log, bells: Bells, durable: str) -> None:
        self._topic = topic
        self._log = log
        self._bells = bells
        self.durable = durable
        self.kept = KEPT_DURABLE if durable else KEPT
        self.seen = log.durable.setdefault(durable, log.last) if durable else log.last

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while (kept := self._log.after(self.seen)) is None:
            await self._bells.heard(self._topic)
        oldest = max(kept.number, self._log.last - self.kept + 1)
        gone, self.seen = oldest - self.seen - 1, oldest - 1
        if gone:
            raise Lagged(f"{gone} events of the topic {self._topic[:80]!r} are gone: this subscriber is too slow")
        self.seen = kept.number
        return Event(kept.value, str(kept.number))

    async def commit(self, event: Event) -> None:
        committed = self._log.durable.get(self.durable)
        if committed is not None:
            self._log.durable[self.durable] = max(committed, int(event.cursor))
            self._log.trim()


class Logs:
    """See `octo.services.ports.Topics`."""

    def __init__(self, durable: int = ENTRIES) -> None:
        self._logs: dict[str, _Log] = {}
        self._bells = Bells()
        self._durable = durable

    async def publish(self, topic: str, value: object) -> None:
        limits.name(topic, "topic name")
        size = limits.size(value)
        log = self._logs.get(topic)
        if log is not None:
            log.add(value, size)
            self._bells.ring(topic)

    @asynccontextmanager
    async def subscribe(self, topic: str, *, durable: str = "") -> AsyncIterator[Subscription]:
        limits.name(topic, "topic name")
        if durable:
            limits.name(durable, "subscriber name")
        log = self._logs.setdefault(topic, _Log())
        try:
            if durable and durable not in log.durable:
                self._make_room()
            reader = Reader(topic, log, self._bells, durable)
            log.readers.add(reader)
            try:
                yield reader
            finally:
                log.readers.discard(reader)
                log.trim()
        finally:
            self._tidy(topic, log)

    async def forget(self, topic: str, durable: str) -> None:
        limits.name(durable, "subscriber name")
        log = self._logs.get(limits.name(topic, "topic name"))
        if log is not None:
            log.durable.pop(durable, None)
            log.trim()
            self._tidy(topic, log)

    def _tidy(self, topic: str, log: _Log) -> None:
        if not log.is_needed:
            self._logs.pop(topic, None)

    def _make_room(self) -> None:
        if sum(len(log.durable) for log in self._logs.values()) >= self._durable:
            raise Transient("durable subscribers in memory are full", code=codes.FULL)


@asynccontextmanager
async def opened() -> AsyncIterator[Topics]:
    """New topics, shared with nothing else."""
    yield Logs()
