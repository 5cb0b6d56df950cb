"""A subscription to a topic whose store numbers the events without a gap."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from octo.services import values
from octo.services.bells import Ear
from octo.services.ports import Event, Lagged

KEPT, KEPT_DURABLE = 1000, 10_000
"""At most this many events are kept for a subscriber."""
_BEFORE = 10**6
"""As many events were never missed: the store has lost all that it held, and its numbers began anew."""


class Listening(Protocol):
    """A store whose bells wake those who wait. That of a topic is `topic NAME`."""

    def listening(self, name: str, /) -> AbstractContextManager[Ear]: ...


S = TypeVar("S", bound=Listening)


class Found(NamedTuple):
    """last: the number of the newest event. events: number and value, as it is stored, of the next ones in order."""

    last: int
    events: list[tuple[int, bytes]]


class Reader(ABC, Generic[S]):
    """A subscription. durable: the name of the subscriber, "" for none. seen: the last event that it was given."""

    def __init__(self, store: S, topic: str, durable: str, seen: int) -> None:
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
        return Event(self._opened(number, stored), str(number))

    async def commit(self, event: Event) -> None:
        """See `octo.services.ports.Subscription`."""
        if self._durable:
            await self._commit(int(event.cursor))

    @abstractmethod
    async def _after(self) -> Found:
        """What comes after the events that this subscriber has seen: one event at least, if there are any."""

    @abstractmethod
    async def _commit(self, number: int) -> None:
        """Remember that the durable subscriber has done with the events up to this one."""

    def _opened(self, number: int, stored: bytes) -> object:  # noqa: ARG002  a store may seal the number, too
        return values.opened(stored, self._topic)

    async def _more(self) -> None:
        """Wait until there is something to read."""
        with self._store.listening(f"topic {self._topic}") as bell:
            while not self._read:
                found = await self._after()
                self._keep_up(found)
                self._read = found.events[::-1]
                if not found.events:
                    await bell.heard()

    def _keep_up(self, found: Found) -> None:
        """Raise `Lagged` if events are gone that this subscriber has not seen."""
        next_ = found.events[0][0] if found.events else found.last + 1
        oldest = max(next_, found.last - self._kept + 1)
        gone = oldest - self._seen - 1
        if gone > 0:
            self._seen = oldest - 1
            many = f"{gone} events" if gone < _BEFORE else "events"
            why = "this subscriber is too slow, or the store has lost them"
            raise Lagged(f"{many} of the topic {self._topic[:80]!r} are gone: {why}")
