"""Topics in the data plane: among all instances of the deployment, and after a crash for durable subscribers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from octo.services import limits, reader, values
from octo.services.bells import Ear
from octo.services.platform import parts
from octo.services.platform.store import LOOK, Store
from octo.services.ports import Subscription
from octo.services.reader import Found
from octo.services.squeezed import squeezed


class _Patient:
    """A store whose server waits, so that nobody has to wait for a bell here."""

    def __init__(self, store: Store) -> None:
        self.call = store.call

    @contextmanager
    def listening(self, _: str, /) -> Iterator[Ear]:
        yield _Deaf()


class _Deaf(Ear):
    async def heard(self, until: float | None = None) -> None:
        """Return at once."""


class Reader(reader.Reader[_Patient]):
    """A subscription."""

    async def _after(self) -> Found:
        query = {"topic": self._topic, "after": self._seen, "wait": LOOK}
        answer = await self._store.call("GET", "/topics/events", query, wait=LOOK, again=True)
        about, found = parts.read(answer.body, "events")
        return Found(about["last"], [(each["number"], stored) for each, stored in found])

    async def _commit(self, number: int) -> None:
        query = {"topic": self._topic, "subscriber": self._durable, "number": number}
        await self._store.call("POST", "/topics/commit", query, again=True)

    def _opened(self, number: int, stored: bytes) -> object:  # noqa: ARG002  see `reader.Reader`
        return parts.opened(stored, self._topic)


class Logs:
    """See `octo.services.ports.Topics`."""

    def __init__(self, store: Store) -> None:
        self._store = _Patient(store)
        self._call = store.call
        self.health = store.health

    async def publish(self, topic: str, value: object) -> None:
        limits.name(topic, "topic name")
        limits.size(value)
        await self._call("POST", "/topics/publish", {"topic": topic}, squeezed(values.sealed(value, topic)))

    @asynccontextmanager
    async def subscribe(self, topic: str, *, durable: str = "") -> AsyncIterator[Subscription]:
        limits.name(topic, "topic name")
        if durable:
            limits.name(durable, "subscriber name")
        yield Reader(self._store, topic, durable, await self._seen(topic, durable))

    async def _seen(self, topic: str, durable: str) -> int:
        if durable:
            query = {"topic": topic, "subscriber": durable}
            answer = await self._call("POST", "/topics/subscribe", query, again=True)
        else:
            answer = await self._call("GET", "/topics/latest", {"topic": topic}, again=True)
        return int(parts.told(answer.body)["seen"])

    async def forget(self, topic: str, durable: str) -> None:
        limits.name(topic, "topic name")
        limits.name(durable, "subscriber name")
        await self._call("POST", "/topics/forget", {"topic": topic, "subscriber": durable}, again=True)
