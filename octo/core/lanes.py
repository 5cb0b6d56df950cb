"""Lanes: between a broker that hands over messages and a source that yields them.

A source that orders its messages by a key gives each key a lane. Of one lane one message is under way at a time, in the
order in which they came, also when one is tried again: then it waits here, and the others of its lane behind it.
Without a key each message has a lane of its own.

    async with Lanes(most=64, key=settings.key, retries=True) as lanes:
        lanes.begin(self._read(subscription, lanes))  # puts deliveries; its errors end the source
        while True:
            yield await lanes.next()

Invariants:
- At most `most` deliveries are held: they wait, rest after a failed attempt, or are under way.
- What was put is settled once: by the engine, or with `Retry(0.0)` when the source is left.
- A source that is left with a key has let go of what was under way, unless that takes too long: so the next one, after
  a reload, does not begin a lane whose message is not finished.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import count
from typing import Any, Self

from octo.core.delivery import Delivery, Idle, Retry, Verdict
from octo.core.errors import Permanent, Transient
from octo.core.log import fields
from octo.core.message import Message
from octo.expr import ExprError

log = logging.getLogger("octo.source")

LEAVING = 5.0
"""Seconds for which leaving waits for the messages that are under way, if there is a key."""


class _Held:
    """A delivery that is held: as how many-th it came, its lane, and how often it has been tried."""

    __slots__ = ("attempt", "delivery", "lane", "number")

    def __init__(self, number: int, delivery: Delivery, lane: object) -> None:
        self.number = number
        self.delivery = delivery
        self.attempt = delivery.attempt
        self.lane = lane


class Lanes:
    """See the module.

    key: gives the lane of a message; None for no order. retries: whether a message that failed for a while is tried
    again here, and not by its broker; `attempt` counts on from that of the delivery.
    """

    def __init__(self, most: int, *, key: Callable[[Message], object] | None = None, retries: bool = False) -> None:
        self._most = most
        self._key = key
        self._retries = retries
        self._ready: deque[_Held] = deque()
        self._lanes: dict[object, deque[_Held]] = {}
        self._waiting: dict[_Held, asyncio.TimerHandle | None] = {}
        self._numbers = count()
        self._held = 0
        self._idle = False
        self._error: Exception | None = None
        self._changed = asyncio.Event()
        self._left = asyncio.Event()
        self._is_closed = False
        self._tasks: list[asyncio.Task[None]] = []
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        try:
            if self._tasks:  # first, so that what is given back does not come to them
                await asyncio.wait(self._tasks, timeout=LEAVING)
            await self._give_back()
            if self._key is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LEAVING):
                        await self._until(lambda: not self._held)
        finally:
            await self._group.__aexit__(None, None, None)

    # --- for who reads the broker --------------------------------------------------------------------------------

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work in the background until the source is left. What it raises, `next` raises."""
        self._tasks.append(self._group.create_task(self._guarded(work)))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        # Invariant: tasks of the group do not raise. Else the group would cancel whoever reads the source.
        try:
            await work
        except Exception as error:  # noqa: BLE001  the source raises it
            self.fail(error)

    async def room(self) -> int:
        """Wait until fewer than `most` deliveries are held; return how many more may be."""
        await self._until(lambda: self._held < self._most)
        return self._most - self._held

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held."""
        return not self._held

    def put(self, delivery: Delivery) -> None:
        """Take a delivery over; never waits."""
        held = _Held(next(self._numbers), delivery, self._lane(delivery))
        self._held += 1
        self._waiting[held] = None
        lane = self._lanes.setdefault(held.lane, deque())
        lane.append(held)
        if len(lane) == 1:
            self._is_ready(held)

    def alive(self) -> None:
        """Let `next` return `Idle`: the broker has given a sign of life."""
        self._idle = True
        self._changed.set()

    def fail(self, error: Exception) -> None:
        """Let `next` raise the error, after what is ready."""
        self._error = self._error or error
        self._changed.set()

    async def extend(self, every: float) -> None:
        """Renew the leases of what waits here, for ever, every so many seconds. The engine does it for the others."""
        while True:
            await asyncio.sleep(every)
            for held in list(self._waiting):
                if held in self._waiting and held.delivery.extend is not None:
                    await held.delivery.extend()

    def _lane(self, delivery: Delivery) -> object:
        if self._key is None or delivery.unfit is not None:
            return object()
        try:
            return self._key(delivery.message)
        except ExprError as error:
            delivery.unfit = Permanent(f"its key: {error}")
            return object()

    # --- for the source ------------------------------------------------------------------------------------------

    async def next(self) -> Delivery | Idle:
        """The next delivery that may run; `Idle` after a sign of life. Raises what has ended the reading."""
        while True:
            if self._ready:
                return self._handed_out(self._ready.popleft())
            if self._error is not None:
                raise self._error
            if self._idle:
                self._idle = False
                return Idle()
            self._changed.clear()
            await self._changed.wait()

    def _handed_out(self, held: _Held) -> Delivery:
        del self._waiting[held]
        given = held.delivery

        async def settle(verdict: Verdict) -> None:
            await self._settle(held, verdict)

        return Delivery(
            given.message,
            settle,
            attempt=held.attempt,
            most_attempts=given.most_attempts,
            extend=given.extend,
            lease=given.lease,
            timeout=given.timeout,
            before=given.before,
            is_awaited=given.is_awaited,
            unfit=given.unfit,
        )

    async def _settle(self, held: _Held, verdict: Verdict) -> None:
        if self._retries and isinstance(verdict, Retry) and verdict.after and not self._is_closed:
            held.attempt += 1
            self._waiting[held] = asyncio.get_running_loop().call_later(verdict.after, self._is_ready, held)
            return
        try:
            if held.delivery.settle is not None:
                await held.delivery.settle(verdict)
        finally:
            self._over(held)

    def _is_ready(self, held: _Held) -> None:
        self._waiting[held] = None
        self._ready.append(held)
        self._changed.set()

    def _over(self, held: _Held) -> None:
        self._held -= 1
        self._left.set()
        lane = self._lanes[held.lane]
        lane.popleft()
        if not lane:
            del self._lanes[held.lane]
        elif not self._is_closed:
            self._is_ready(lane[0])

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._left.clear()
            await self._left.wait()

    async def _give_back(self) -> None:
        """Give back what nobody has begun, in the order in which it came."""
        self._ready.clear()
        error = Transient("the source was stopped before the message was begun")
        for held, timer in sorted(self._waiting.items(), key=lambda each: each[0].number):
            if timer is not None:
                timer.cancel()
            self._waiting.pop(held)
            self._held -= 1
            self._lanes[held.lane].remove(held)
            try:
                if held.delivery.settle is not None:
                    await held.delivery.settle(Retry(0.0, error))
            except Exception as lost:  # noqa: BLE001  the broker delivers it again anyway
                log.info("a message could not be given back", extra=fields(error=str(lost)))
