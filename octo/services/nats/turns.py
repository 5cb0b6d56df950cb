"""Messages with an ordering key wait for their turn.

Each is kept in a line of its key, on a subject that nobody receives from, until it is settled. The first of the line is
also in the queue, and is the only one of its key there. `turn` has the number, in the line, of that one:

    settled                  out of the queue, out of the line, then the turn of the next
    the turn of the next     only if the one before is out of the line: `turn` is written over what was read, then the
                             message goes into the queue

A process that is killed between two of these steps leaves a line that stands still. Whoever receives from the queue
looks for those now and then.
"""

from __future__ import annotations

import asyncio

from octo.services.nats import names, payload, streams
from octo.services.nats.connection import header
from octo.services.nats.store import Changed, Store, Stored

LOOK = 5.0
"""Seconds after which what is between two steps counts as left by a killed process."""
_AT_ONCE = 10
"""Messages in lines that are looked at together."""
_FORGOTTEN = 7 * 24 * 3600.0
"""Seconds after which the turn of a key is forgotten that was not used."""


class Turns:
    """The lines of one queue."""

    def __init__(self, store: Store, queue: str) -> None:
        self._store = store
        self._queue = names.token(queue)
        self._looked = 0.0
        self._after = 0
        self._between: dict[str, tuple[int, float]] = {}

    def subject(self, name: str = "*", order: str = "*") -> str:
        """Of a message in the line of an ordering key."""
        return self._store.subject("wait", self._queue, name, order)

    async def settled(self, seq: int, order: str) -> None:
        """The message with this number in the line is out of the queue: it is the turn of the next."""
        await self._store.remove(streams.QUEUES, seq)
        await self.next(order)

    async def next(self, order: str) -> None:
        """Let the first of the line go into the queue, if none of it is there."""
        turn, before = await self._turn(order)
        if before and await self._store.at(streams.QUEUES, before) is not None:
            return
        first = await self._store.next(streams.QUEUES, self.subject(order=order), before)
        if first is None:
            return
        try:
            await self._store.write(
                self._turns(order),
                payload.written({"from": first.seq}, b""),
                last=turn,
                until=self._store.now() + _FORGOTTEN,
            )
        except Changed:
            return  # somebody else does it
        await self._go(first, order)

    async def _go(self, first: Stored, order: str) -> None:
        """Put it into the queue, unless it is there."""
        about, stored = payload.read(first.data)
        subject = self._store.subject("queue", self._queue, first.subject.split(".")[-2], order)
        try:
            await self._store.write(subject, payload.written({**about, "from": first.seq}, stored), last=0)
        except Changed:
            return

    async def _turn(self, order: str) -> tuple[int, int]:
        """The number of the message that says whose turn it is, and what it says."""
        found = await self._store.last(streams.QUEUES, self._turns(order))
        return (0, 0) if found is None else (found.seq, int(payload.read(found.data).about["from"]))

    def _turns(self, order: str) -> str:
        return self._store.subject("turn", self._queue, order)

    # --- lines that stand still ----------------------------------------------------------------------------------

    async def look(self) -> None:
        """Look at some of the lines, if nobody of this process has a moment ago, and move those that stand still."""
        now = asyncio.get_running_loop().time()
        if now < self._looked + LOOK:
            return
        self._looked = now
        answer = await self._store.after(streams.QUEUES, self.subject(), self._after, _AT_ONCE, _AT_ONCE << 16)
        self._after = int(header(answer.messages[-1], "Nats-Sequence")) if answer.messages else 0
        for order in {header(message, "Nats-Subject").rpartition(".")[2] for message in answer.messages}:
            await self._mend(order, now)

    async def _mend(self, order: str, now: float) -> None:
        turn, seq = await self._turn(order)
        first = await self._store.at(streams.QUEUES, seq) if seq else None
        if first is None:
            await self.next(order)
            return
        subject = self._store.subject("queue", self._queue, first.subject.split(".")[-2], order)
        if await self._store.last(streams.QUEUES, subject) is not None:
            self._between.pop(order, None)
            return
        seen, since = self._between.setdefault(order, (turn, now))
        if seen != turn:
            self._between[order] = (turn, now)
        elif now >= since + LOOK:
            del self._between[order]
            await self._go(first, order)
