"""Places with dead letters: looking takes none, and a letter that is taken is gone only once it was settled.

Invariant: who is interrupted between `take` and `done` loses nothing: a queue gives its messages out again once their
lease is over, and a file has them still.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from octo.core import letter as letters
from octo.core.errors import OctoError
from octo.core.letter import VARIABLE, Letter
from octo.core.message import Message
from octo.engine import letter_file
from octo.engine.background import in_background
from octo.engine.letter_file import Line
from octo.services.ports import Queues, Received

LEASE = 120.0
"""Seconds for which a letter is lent: replaying one message takes less."""
_PAGE = 50
"""Letters that are in memory at once while a place is looked at; each in a queue has at most 1 MiB."""
_OF_A_FILE = 4
"""The same of a file, where each has at most 16 MiB."""


class Entry(NamedTuple):
    """A letter in its place. id: its name there. record: the message as it is kept, which may be anything.

    order: the ordering key with which it was sent into its queue.
    """

    place: Place
    id: str
    letter: Letter
    record: Any
    order: str = ""

    @property
    def event_id(self) -> str:
        """The id by which logs and traces know the message; that of the entry if it is none of Octo's."""
        found = self.record.get("id") if isinstance(self.record, dict) else None
        return found if isinstance(found, str) and found else self.id

    def message(self) -> Message:
        """The message as it came into its flow. Raises `Permanent` if it is none."""
        message = Message.from_record(self.record)
        return message.with_vars({name: each for name, each in message.vars.items() if name != VARIABLE})


class Taken(NamedTuple):
    """An entry that nobody else replays meanwhile. receipt: for its place."""

    entry: Entry
    receipt: Any = None

    async def done(self) -> None:
        """Remove the letter."""
        await self.entry.place.done(self)

    async def back(self) -> None:
        """Give it back as it was."""
        await self.entry.place.back(self)

    async def hold(self) -> None:
        """Keep it for `LEASE` seconds from now. Raises `Lost` if it was taken back already."""
        await self.entry.place.hold(self)

    async def again(self, letter: Letter) -> None:
        """Put this letter in the place of the one that was taken: the message has failed again."""
        await self.entry.place.again(self, letter)


class Place(Protocol):
    """Where letters are."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def queue(self) -> str:
        """The queue whose dead letters they are, and into which they are replayed; "" if their flow runs them."""
        ...

    def browse(self) -> AsyncIterator[Entry]:
        """Look at all letters, the oldest first, and take none."""
        ...

    def take(self, ids: Collection[str], *, most: int) -> AsyncIterator[Taken]:
        """Take these letters, the oldest first; at most `most` are lent ahead of the caller."""
        ...

    async def done(self, taken: Taken) -> None: ...
    async def back(self, taken: Taken) -> None: ...
    async def hold(self, taken: Taken) -> None: ...
    async def again(self, taken: Taken, letter: Letter) -> None: ...


# --- queues ------------------------------------------------------------------------------------------------------


class InQueue:
    """The dead letters of a queue; or, where a `deadLetter` names the queue, its messages that are letters.

    flow: which flow they failed in, where a letter does not say it.
    """

    def __init__(self, queues: Queues, queue: str, flow: str = "", *, dead: bool = True) -> None:
        self.queue = queue if dead else ""
        self.name = f"queue {queue}"
        self._queues = queues
        self._queue = queue
        self._flow = flow
        self._dead = dead

    async def browse(self) -> AsyncIterator[Entry]:
        after = ""
        while True:
            seen = await self._queues.browse(self._queue, dead=self._dead, after=after, most=_PAGE)
            for received in seen.messages:
                if (entry := self._entry(received)) is not None:
                    yield entry
            if not (after := seen.after):
                return

    def _entry(self, received: Received) -> Entry | None:
        value = received.value
        if self._dead:
            told = letters.read(received.reason) or letters.unknown(self._flow, received.reason)
            return Entry(self, received.id, told, value, received.order)
        variables = value.get("vars") if isinstance(value, dict) else None
        found = letters.read(variables.get(VARIABLE)) if isinstance(variables, dict) else None
        return None if found is None else Entry(self, received.id, found, value)

    async def take(self, ids: Collection[str], *, most: int) -> AsyncIterator[Taken]:
        left, passed, held = set(ids), set[str](), list[Received]()
        try:
            while left:
                found = await self._queues.receive(self._queue, most=most, lease=LEASE, dead=self._dead)
                # Others come again once their lease is over: when there is nothing new, what is left is gone.
                if passed.issuperset(each.id for each in found):
                    return
                held += found
                for received in found:
                    passed.add(received.id)
                    entry = self._entry(received) if received.id in left else None
                    if entry is not None:
                        held.remove(received)
                        left.discard(received.id)
                        yield Taken(entry, received)
                held = [each._replace(value=None) for each in held]  # a receipt is enough to give it back
        finally:
            for received in held:
                with suppress(OctoError):  # its lease ends by itself
                    await self._queues.nack(received)

    async def done(self, taken: Taken) -> None:
        await self._queues.ack(taken.receipt)

    async def back(self, taken: Taken) -> None:
        await self._queues.nack(taken.receipt)

    async def hold(self, taken: Taken) -> None:
        await self._queues.extend(taken.receipt, LEASE)

    async def again(self, taken: Taken, letter: Letter) -> None:
        told = taken.entry.message().with_var(VARIABLE, letter.as_value())
        await self._queues.send(self._queue, told.to_record(), key=f"again {taken.entry.id}")
        await self.done(taken)


# --- files -------------------------------------------------------------------------------------------------------


class InFile:
    """The letters of a file."""

    queue = ""

    def __init__(self, path: Path) -> None:
        self.name = f"file {path}"
        self.unreadable = 0
        self._path = path

    async def browse(self) -> AsyncIterator[Entry]:
        found = await in_background(letter_file.contents, self._path)
        self.unreadable = found.unreadable
        async for each in self._entries(list(found.places.values())):
            yield each

    async def take(self, ids: Collection[str], *, most: int) -> AsyncIterator[Taken]:
        del most
        found = await in_background(letter_file.contents, self._path)
        try:
            async for each in self._entries([offset for id_, offset in found.places.items() if id_ in ids]):
                yield Taken(each)
        finally:
            await in_background(letter_file.compact, self._path)

    async def _entries(self, offsets: Sequence[int]) -> AsyncIterator[Entry]:
        for at in range(0, len(offsets), _OF_A_FILE):
            for line in await in_background(_read, self._path, offsets[at : at + _OF_A_FILE]):
                told = letters.read(line.letter) or letters.unknown("", "")
                yield Entry(self, line.id, told, line.message)

    async def done(self, taken: Taken) -> None:
        await in_background(letter_file.settle, self._path, taken.entry.id)

    async def back(self, taken: Taken) -> None:
        del taken

    async def hold(self, taken: Taken) -> None:
        del taken

    async def again(self, taken: Taken, letter: Letter) -> None:
        line = Line(taken.entry.id, letter.as_value(), taken.entry.record)
        await in_background(letter_file.append, self._path, line)


def _read(path: Path, offsets: Sequence[int]) -> list[Line]:
    return list(letter_file.lines(path, offsets))
