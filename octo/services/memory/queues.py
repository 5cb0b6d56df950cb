"""Queues in memory: among the tasks of one process."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from octo.core.errors import Timeout, Transient
from octo.core.message import new_id
from octo.services import limits
from octo.services.bells import Bells
from octo.services.memory.room import BYTES, ENTRIES, Room
from octo.services.ports import Lost, Queues, Received, Rejected, Seen

REMEMBERED = 120.0
"""Seconds for which the key of a message is remembered."""


@dataclass(slots=True)
class _Item:
    """A message. number: its place in the order of sending. attempt: how many times it was given out.

    order: its ordering key. since: when it was sent. reply: what the `request` waits for.
    """

    id: str
    value: object
    size: int
    number: int
    order: str = ""
    since: float = 0.0
    attempt: int = 0
    reason: str = ""
    reply: asyncio.Future[object] | None = None


@dataclass(slots=True)
class _Line:
    """A queue, or its dead letters. Invariant: an item is waiting, lent or behind another; a line is never empty.

    waiting: a heap, by the time from which an item may be given out. lent: by receipt, with the end of the lease.
    behind: by ordering key, the items behind the one that is waiting or lent. Dead letters have none.
    """

    waiting: list[tuple[float, int, _Item]] = field(default_factory=list)
    lent: dict[int, tuple[float, _Item]] = field(default_factory=dict)
    behind: dict[str, deque[_Item]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.waiting or self.lent)

    def items(self) -> Iterator[_Item]:
        return itertools.chain(
            (item for _, _, item in self.waiting),
            (item for _, item in self.lent.values()),
            *self.behind.values(),
        )

    def next(self) -> float:
        """The time at which there will be something to give out, as far as is known."""
        waiting = [self.waiting[0][0]] if self.waiting else []
        return min([*waiting, *(until for until, _ in self.lent.values())])


class Lines:
    """See `octo.services.ports.Queues`."""

    keeps_order = True

    def __init__(self, entries: int = ENTRIES, size: int = BYTES) -> None:
        self._lines: dict[tuple[str, bool], _Line] = {}
        self._room = Room("queues", entries, size)
        self._keys = Room("keys of queues", entries)
        self._number = itertools.count()
        self._bells = Bells()
        self._known: dict[tuple[str, str], str] = {}
        self._fading: deque[tuple[float, tuple[str, str]]] = deque()

    # --- sending -------------------------------------------------------------------------------------------------

    async def send(self, queue: str, value: object, *, delay: float = 0.0, key: str = "", order: str = "") -> str:
        limits.name(queue, "queue name")
        item = _Item(new_id(), value, limits.size(value), next(self._number), limits.order(order, delay))
        limits.delay(delay, "delay")
        if not key:
            self._add(queue, item, delay)
            return item.id
        known = self._remembered(queue, limits.name(key, "key"))
        if known is None:
            self._add_once(queue, key, item, delay)
        return known or item.id

    async def request(self, queue: str, value: object, *, timeout: float) -> object:
        limits.name(queue, "queue name")
        reply = asyncio.get_running_loop().create_future()
        item = _Item(new_id(), value, limits.size(value), next(self._number), reply=reply)
        limits.seconds(timeout, "timeout")
        self._add(queue, item, 0.0)
        try:
            async with asyncio.timeout(timeout):
                return await reply
        except TimeoutError:
            raise Timeout(f"nobody on the queue {queue[:80]!r} replied within {timeout:g}s") from None

    def _add(self, queue: str, item: _Item, delay: float) -> None:
        self._room.take(item.size)
        if item.order:
            line = self._lines.setdefault((queue, False), _Line())
            if (behind := line.behind.get(item.order)) is not None:
                item.since = asyncio.get_running_loop().time()
                behind.append(item)
                return
            line.behind[item.order] = deque()
        self._put((queue, False), item, delay)

    def _put(self, lane: tuple[str, bool], item: _Item, delay: float) -> None:
        due = asyncio.get_running_loop().time() + delay
        heapq.heappush(self._lines.setdefault(lane, _Line()).waiting, (due, next(self._number), item))
        self._bells.ring(lane[0])

    def _remembered(self, queue: str, key: str) -> str | None:
        now = asyncio.get_running_loop().time()
        while self._fading and self._fading[0][0] <= now:
            _, known = self._fading.popleft()
            self._keys.give()
            del self._known[known]
        return self._known.get((queue, key))

    def _add_once(self, queue: str, key: str, item: _Item, delay: float) -> None:
        self._keys.take()
        try:
            self._add(queue, item, delay)
        except Transient:
            self._keys.give()  # neither the message nor its key was added
            raise
        self._known[queue, key] = item.id
        self._fading.append((asyncio.get_running_loop().time() + REMEMBERED, (queue, key)))

    # --- receiving -----------------------------------------------------------------------------------------------

    async def receive(
        self, queue: str, *, most: int = 1, lease: float = 30.0, wait: float = 0.0, dead: bool = False
    ) -> list[Received]:
        lane = (limits.name(queue, "queue name"), dead)
        limits.most(most)
        limits.seconds(lease, "lease")
        now = asyncio.get_running_loop().time
        patience = now() + limits.delay(wait, "wait")
        # Invariant: nothing waits between taking and returning, so a receiver that is cancelled has taken nothing.
        while not (found := self._take(lane, most, lease)) and now() < patience:
            line = self._lines.get(lane)
            await self._bells.heard(queue, patience if line is None else min(patience, line.next()))
        return found

    def _take(self, lane: tuple[str, bool], most: int, lease: float) -> list[Received]:
        line = self._lines.get(lane)
        if line is None:
            return []
        now = asyncio.get_running_loop().time()
        for receipt in [receipt for receipt, (until, _) in line.lent.items() if until <= now]:
            until, item = line.lent.pop(receipt)
            heapq.heappush(line.waiting, (until, next(self._number), item))
        found: list[Received] = []
        while line.waiting and line.waiting[0][0] <= now and len(found) < most:
            found.append(self._lend(lane, line, heapq.heappop(line.waiting)[2], now + lease))
        return found

    def _lend(self, lane: tuple[str, bool], line: _Line, item: _Item, until: float) -> Received:
        item.attempt += 1
        receipt = next(self._number)
        line.lent[receipt] = (until, item)
        queue, dead = lane
        wants_reply = item.reply is not None and not dead
        return Received(queue, item.id, item.value, item.attempt, (dead, receipt), item.reason, wants_reply, item.order)

    # --- settling ------------------------------------------------------------------------------------------------

    async def extend(self, received: Received, lease: float) -> None:
        limits.seconds(lease, "lease")
        line, receipt, item = self._lent(received)
        line.lent[receipt] = (asyncio.get_running_loop().time() + lease, item)

    async def ack(self, received: Received, reply: object = None) -> None:
        limits.size(reply)
        item = self._out(received)
        self._room.give(item.size)
        if item.reply is not None and not item.reply.done():
            item.reply.set_result(reply)

    async def nack(self, received: Received, *, delay: float = 0.0) -> None:
        limits.delay(delay, "delay")
        try:
            line, receipt, item = self._lent(received)
        except Lost:
            return
        del line.lent[receipt]
        self._put(_lane(received), item, delay)

    async def reject(self, received: Received, reason: str) -> None:
        item = self._out(received)
        if item.reply is not None and not item.reply.done():
            item.reply.set_exception(Rejected(reason))
        item.reply, item.reason, item.attempt = None, reason, 0
        self._put((received.queue, True), item, 0.0)

    async def browse(self, queue: str, *, dead: bool = False, after: str = "", most: int = 100) -> Seen:
        line = self._lines.get((limits.name(queue, "queue name"), dead), _Line())
        limits.most(most)
        later = (item for item in line.items() if item.number > limits.cursor(after))
        found = heapq.nsmallest(most, later, key=lambda item: item.number)
        seen = [
            Received(queue, each.id, each.value, each.attempt, None, each.reason, order=each.order) for each in found
        ]
        return Seen(seen, str(found[-1].number) if len(found) == most else "")

    async def count(self, queue: str, *, dead: bool = False) -> int:
        line = self._lines.get((limits.name(queue, "queue name"), dead))
        return 0 if line is None else sum(1 for _ in line.items())

    def _lent(self, received: Received) -> tuple[_Line, int, _Item]:
        lane = _lane(received)
        receipt = received.receipt[1]  # type: ignore[index]
        line = self._lines.get(lane)
        if line is None or receipt not in line.lent:
            raise received.lost()
        return line, receipt, line.lent[receipt][1]

    def _out(self, received: Received) -> _Item:
        """Take it out of its line; the next of its ordering key may go."""
        line, receipt, item = self._lent(received)
        del line.lent[receipt]
        if behind := line.behind.get(item.order):
            after = behind.popleft()
            heapq.heappush(line.waiting, (after.since, after.number, after))
            self._bells.ring(received.queue)
        else:
            line.behind.pop(item.order, None)
        if not line:
            del self._lines[_lane(received)]
        return item


def _lane(received: Received) -> tuple[str, bool]:
    return received.queue, received.receipt[0]  # type: ignore[index]


@asynccontextmanager
async def opened() -> AsyncIterator[Queues]:
    """New queues, shared with nothing else."""
    yield Lines()
