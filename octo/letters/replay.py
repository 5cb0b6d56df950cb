"""Replay: letters go back into their queue, or through their flow; each is removed only after that.

The order for each letter: it is taken, its message is sent (or run), the letter is removed. A crash between the last
two sends a message twice, unless the replay begins again within two minutes: queues know its key until then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, Literal

from octo.config.documents import Config
from octo.config.part import part, unfed
from octo.core.deadline import Deadline
from octo.core.errors import OctoError, Permanent
from octo.core.flow import Failure, at_last
from octo.core.letter import BEFORE
from octo.core.message import Message
from octo.engine.burial import Burial
from octo.engine.connections import Connections
from octo.engine.events import Bus
from octo.engine.generation import Generation
from octo.engine.observe import NOBODY, Observer
from octo.letters.groups import Chosen
from octo.letters.places import Entry, Taken
from octo.services.container import Services
from octo.services.ports import Lost, Queues

Order = Literal["oldest", "newest"]
How = Literal["sent", "completed", "failed", "kept"]
"""sent: it is in its queue again. completed: its flow has run. failed: once more, and is a letter again. kept: it
cannot be replayed, and the letter is as it was."""

MOST_NEWEST = 1_000
"""Letters that are replayed in the reverse order at most: they are in memory meanwhile."""
_AHEAD = 16
"""Letters that are lent ahead where nothing waits between two."""

Told = Callable[[Entry, How, str], object]


class Pace:
    """At most so many a second, evenly. rate: None for no limit."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 0.0 if rate is None else 1 / rate
        self._next: float | None = None

    @property
    def is_free(self) -> bool:
        """Whether there is no limit."""
        return not self._gap

    async def wait(self) -> None:
        """Return when the next one may begin."""
        if not self._gap:
            return
        now = asyncio.get_running_loop().time()
        due = now if self._next is None else max(now, self._next)
        self._next = due + self._gap
        await asyncio.sleep(due - now)


class Flows:
    """Runs messages through flows of a configuration, without their sources."""

    def __init__(self, config: Config, generation: Generation, seconds: float) -> None:
        self.version = config.version
        self._generation = generation
        self._seconds = seconds

    async def run(self, flow: str, message: Message) -> object:
        """How it ended. Raises `Failure` or `Timeout`; `Permanent` if there is no such flow."""
        found = self._generation.flows.get(flow)
        if found is None:
            raise Permanent(f"the configuration has no flow {flow[:80]!r}")
        return await Deadline(found.title, self._seconds).of(at_last(found.call(message)), is_last=True)


@asynccontextmanager
async def flows(
    config: Config, names: Collection[str], services: Services, seconds: float, observer: Observer = NOBODY
) -> AsyncIterator[Flows]:
    """These flows of the configuration, open; `seconds` is how long each message may take. Raises as `open` does."""
    known = [name for name in names if name in config.flows]
    needed = part(unfed(config, ()), known)
    try:
        async with asyncio.TaskGroup() as tasks:
            generation = Generation(needed, Connections(tasks, services=services), Bus(), tasks, observer=observer)
            await generation.open()
            try:
                yield Flows(config, generation, seconds)
            finally:
                await generation.drain(seconds)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


async def replay(
    found: Sequence[Chosen], queues: Queues | None, run: Flows | None, told: Told, pace: Pace, order: Order
) -> None:
    """Replay the letters. told: called with each one and how that went. run: for those whose flow runs them here."""
    for each in found:
        ids = each.ids
        if order == "newest" and len(ids) > MOST_NEWEST:
            raise Permanent(
                f"{each.place.name} has {len(ids):,} of these letters, and at most {MOST_NEWEST:,} are replayed with "
                "the newest first: name a group or an id, or begin with the oldest"
            )
        # Those that are lent ahead must not wait longer than their lease.
        most = MOST_NEWEST if order == "newest" else _AHEAD if each.place.queue and pace.is_free else 1
        async with AsyncExitStack() as stack:
            letters: Any = await stack.enter_async_context(aclosing(each.place.take(ids, most=most)))
            if order == "newest":
                letters = await stack.enter_async_context(aclosing(_reversed([taken async for taken in letters], told)))
            async for taken in letters:
                try:
                    await pace.wait()
                    await _one(taken, queues, run, told)
                except BaseException:
                    await taken.back()
                    raise


async def _reversed(taken: list[Taken], told: Told) -> AsyncIterator[Taken]:
    """The last one first. Those that were lent for too long are left to who has them now."""
    try:
        while taken:
            each = taken.pop()
            try:
                await each.hold()
            except Lost as error:
                told(each.entry, "kept", str(error))
                continue
            yield each
    finally:
        for each in taken:
            await each.back()


async def _one(taken: Taken, queues: Queues | None, run: Flows | None, told: Told) -> None:
    entry = taken.entry
    if entry.place.queue:
        assert queues is not None
        await _send(entry, queues)
        await taken.done()
        told(entry, "sent", "")
        return
    assert run is not None
    try:
        message = entry.message()
        await run.run(entry.letter.flow, message)
    except Failure as failure:
        letter = Burial(entry.letter.flow, run.version).letter(failure, str(failure), before=entry.letter)
        try:
            await taken.again(letter)
        except Permanent as error:  # with one more failure in it, it is too large for its place
            await taken.back()
            told(entry, "kept", f"{failure}; {error}")
        else:
            told(entry, "failed", str(failure))
    except OctoError as error:
        await taken.back()
        told(entry, "kept", str(error))
    else:
        await taken.done()
        told(entry, "completed", "")


async def _send(entry: Entry, queues: Queues) -> None:
    """Send the message into its queue, with its letter: if it fails again, that is one more attempt of the same."""
    key = f"replay {entry.id}"
    record = entry.record
    if isinstance(record, dict):
        try:
            await queues.send(
                entry.place.queue, {**record, BEFORE: entry.letter.as_value()}, key=key, order=entry.order
            )
        except Permanent:  # with its letter it is larger than a queue takes
            pass
        else:
            return
    await queues.send(entry.place.queue, record, key=key, order=entry.order)
