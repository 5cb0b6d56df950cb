"""Mail: what other messages tell a run that is under way, in this process or another one.

The mailbox of a thread is an entry of the key-value service while its run takes mail. A topic says that something has
come; a look now and then makes up for events that were lost.

Invariant: mail that was posted is read. Who posts a letter waits until a run has seen it, or becomes the run itself. A
letter stays in the mailbox until what it says is saved with the thread, so it outlives the run that has seen it. A run
closes its mailbox only while that is empty.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from octo.core import codec
from octo.core.beside import beside
from octo.core.errors import OctoError, Overloaded
from octo.core.log import fields
from octo.services.ports import Conflict, KeyValue, Topics

log = logging.getLogger("octo.ai")

NAMESPACE = "agent-mail"
TTL = 86400.0
LOOK = 2.0
"""Seconds between looks into the mailbox when no event comes."""
RENEWED = TTL / 4
"""Seconds after which a mailbox is written again, so that it outlives any run."""
MOST, MOST_BYTES = 100, 800_000
"""Letters that a run has not read, and their bytes: one value of the service has 1 MiB, and a run writes more into it.
"""

Letter = Mapping[str, Any]


class Mailbox:
    """The mailbox of a thread, for whoever has something to say."""

    def __init__(self, store: KeyValue, topics: Topics, key: str) -> None:
        self._store = store
        self._topics = topics
        self._key = key

    async def post(self, letter: Letter) -> bool:
        """Put a letter into it; False if no run takes mail. Raises `Overloaded` if it is full."""

        def added(letters: list[Letter]) -> list[Letter]:
            if len(letters) >= MOST or len(codec.write([*letters, letter])) > MOST_BYTES:
                raise Overloaded("the conversation has too many messages that its agent has not read yet")
            return [*letters, letter]

        if await self.change(added) is None:
            return False
        await self._topics.publish(f"{NAMESPACE}/{self._key}", None)
        return True

    async def is_seen(self, letter: Letter) -> bool:
        """Whether a run has seen the letter."""
        entry = await self._store.get(NAMESPACE, self._key)
        letters: Any = [] if entry is None else entry.value
        return not any(each["id"] == letter["id"] and not each.get("seen") for each in letters)

    async def withdraw(self, letter: Letter) -> bool:
        """Take a letter back; False if it is not there any more."""
        was = await self.change(lambda letters: [each for each in letters if each["id"] != letter["id"]])
        return was is not None and any(each["id"] == letter["id"] for each in was)

    async def change(
        self, change: Callable[[list[Letter]], list[Letter]], *, renews: bool = False
    ) -> list[Letter] | None:
        """Write what the function makes of the letters, and return what they were; None if there is no mailbox.

        renews: write also what has not changed.
        """
        while True:
            entry = await self._store.get(NAMESPACE, self._key)
            if entry is None:
                return None
            before: Any = entry.value
            after = change(before)
            if after == before and not renews:
                return before  # type: ignore[no-any-return]
            with suppress(Conflict):
                await self._store.put(NAMESPACE, self._key, after, version=entry.version, ttl=TTL)
                return before  # type: ignore[no-any-return]


class Mail:
    """What one run has seen of its mailbox.

    questions: letters with a question that were not answered yet. decisions: by the id of a request, the letter that
    allows or refuses it. is_stopped: whether the run is to end. changed: set when any of them changes.
    """

    def __init__(self, store: KeyValue, topics: Topics, key: str) -> None:
        self._store = store
        self._topics = topics
        self._key = key
        self._box = Mailbox(store, topics, key)
        self._seen: set[str] = set()
        self.questions: list[Letter] = []
        self.decisions: dict[str, Letter] = {}
        self.is_stopped = False
        self.changed = asyncio.Event()
        self._scope: asyncio.Timeout | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Take mail while entered, and what a run that is gone has left."""
        async with self._topics.subscribe(f"{NAMESPACE}/{self._key}") as events:
            with suppress(Conflict):
                await self._store.put(NAMESPACE, self._key, [], version=0, ttl=TTL)
            await self.collect()
            async with beside(self._listen(events)):
                yield

    async def _listen(self, events: Any) -> None:
        time = asyncio.get_running_loop().time
        renewed = time()
        while True:
            await _event(events)
            try:
                await self.collect()
                if time() - renewed > RENEWED:
                    await self._box.change(list, renews=True)
                    renewed = time()
            except OctoError as error:  # the store is away for a moment: what is under way goes on
                log.warning("mail of an agent cannot be read now", extra=fields(error=str(error)))

    async def collect(self) -> None:
        """See what has come."""
        letters = await self._box.change(lambda letters: [{**each, "seen": True} for each in letters])
        for letter in letters or ():
            if letter["id"] not in self._seen:
                self._seen.add(letter["id"])
                self.take(letter)

    async def done(self, *ids: str) -> None:
        """Remove letters: what they say is saved."""
        await self._box.change(lambda letters: [each for each in letters if each["id"] not in ids])

    def take(self, letter: Letter) -> None:
        """Sort a letter in."""
        match letter.get("kind"):
            case "stop":
                self.is_stopped = True
                if self._scope is not None:
                    self._scope.reschedule(0)
            case "decision":
                self.decisions.setdefault(letter["request"], letter)  # who comes second changes nothing
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
            letters: Any = entry.value
            if any(each["id"] not in self._seen for each in letters):
                continue
            with suppress(Conflict):
                await self._store.delete(NAMESPACE, self._key, version=entry.version)
                return True

    async def abandon(self) -> None:
        """Take no more mail: the run has ended. Questions that nobody has answered are left to the next one."""
        with suppress(OctoError):
            await self._box.change(lambda letters: [each for each in letters if each["kind"] == "question"])
            entry = await self._store.get(NAMESPACE, self._key)
            if entry is not None and not entry.value:
                await self._store.delete(NAMESPACE, self._key, version=entry.version)

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


async def _event(events: Any) -> None:
    """Wait for the next event, or until it is time to look. Events that break off only make the run look later."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK):
            try:
                await anext(events)
            except OctoError as error:
                log.debug("events of an agent's mail broke off", extra=fields(error=str(error)))
                await asyncio.sleep(LOOK)


class Stopped(Exception):
    """Somebody has stopped the run."""
