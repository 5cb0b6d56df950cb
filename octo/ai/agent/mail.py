"""Mail: what other messages tell a run that is under way, in this process or another one.

The mailbox of a thread is an entry of the key-value service while its run takes mail. A topic says that something has
come; a look now and then makes up for events that were lost.

Invariant: mail that was posted is read. A run closes its mailbox only while that is empty, and who finds it closed
becomes the next run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from octo.core.beside import beside
from octo.core.errors import OctoError, Overloaded
from octo.core.log import fields
from octo.services.ports import Conflict, KeyValue, Topics

log = logging.getLogger("octo.ai")

NAMESPACE = "agent-mail"
TTL = 86400.0
LOOK = 2.0
"""Seconds between looks into the mailbox when no event comes."""
MOST = 100
"""Letters that a run has not read."""

Letter = Mapping[str, Any]


async def post(store: KeyValue, topics: Topics, key: str, letter: Letter) -> bool:
    """Put a letter into the mailbox of a run that is under way; False if none is. Raises `Overloaded` if it is full."""
    while True:
        entry = await store.get(NAMESPACE, key)
        if entry is None:
            return False
        letters: Any = entry.value
        if len(letters) >= MOST:
            raise Overloaded("the conversation has too many messages that its agent has not read yet")
        try:
            await store.put(NAMESPACE, key, [*letters, dict(letter)], version=entry.version, ttl=TTL)
        except Conflict:
            continue
        await topics.publish(f"{NAMESPACE}/{key}", None)
        return True


class Mail:
    """The mailbox of one run.

    questions: texts that came and were not taken yet. decisions: by the id of a request, whether it was allowed.
    is_stopped: whether the run is to end. changed: set when any of them changes.
    """

    def __init__(self, store: KeyValue, topics: Topics, key: str) -> None:
        self._store = store
        self._topics = topics
        self._key = key
        self.questions: list[Letter] = []
        self.decisions: dict[str, bool] = {}
        self.is_stopped = False
        self.changed = asyncio.Event()
        self._scope: asyncio.Timeout | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Take mail while entered. What was left by a run that is gone is taken, too."""
        async with self._topics.subscribe(f"{NAMESPACE}/{self._key}") as events:
            await self._opened()
            async with beside(self._listen(events)):
                yield

    async def _opened(self) -> None:
        while True:
            with suppress(Conflict):
                await self._store.put(NAMESPACE, self._key, [], version=0, ttl=TTL)
                return
            await self.collect()
            if await self._store.get(NAMESPACE, self._key) is not None:
                return

    async def _listen(self, events: Any) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await anext(events)
            try:
                await self.collect()
            except OctoError as error:  # the store is away for a moment: what is under way goes on
                log.warning("mail of an agent cannot be read now", extra=fields(error=str(error)))

    async def collect(self) -> None:
        """Read what has come."""
        while True:
            entry = await self._store.get(NAMESPACE, self._key)
            if entry is None or not entry.value:
                return
            try:
                await self._store.put(NAMESPACE, self._key, [], version=entry.version, ttl=TTL)
            except Conflict:
                continue
            letters: Any = entry.value
            for letter in letters:
                self.take(letter)
            return

    def take(self, letter: Letter) -> None:
        """Sort a letter in."""
        match letter.get("kind"):
            case "stop":
                self.is_stopped = True
                if self._scope is not None:
                    self._scope.reschedule(0)
            case "decision":
                self.decisions[letter["id"]] = letter["allow"]
            case "question":
                self.questions.append(letter)
        self.changed.set()

    async def close(self) -> bool:
        """Take no more mail; False if there is some that must be dealt with first."""
        while True:
            await self.collect()
            if self.questions or self.is_stopped:
                return False
            entry = await self._store.get(NAMESPACE, self._key)
            if entry is None:
                return True
            if entry.value:
                continue
            with suppress(Conflict):
                await self._store.delete(NAMESPACE, self._key, version=entry.version)
                return True

    async def abandon(self) -> None:
        """Take no more mail, whatever has come: the run has failed."""
        with suppress(OctoError):
            await self._store.delete(NAMESPACE, self._key)

    @asynccontextmanager
    async def interruptible(self) -> AsyncIterator[None]:
        """Raise `Stopped` in what is under way inside once the run is to end."""
        if self.is_stopped:
            raise Stopped
        try:
            async with asyncio.timeout(None) as self._scope:
                yield
        except TimeoutError:
            if self._scope is not None and self._scope.expired():
                raise Stopped from None
            raise
        finally:
            self._scope = None


class Stopped(Exception):
    """Somebody has stopped the run."""
