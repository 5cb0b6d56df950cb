"""Time as a source: a message at every tick of a schedule, once in all processes that use the same services.

`overlap` says what happens to a tick while the message of the tick before is unfinished, `missed` what happens to ticks
that passed while nothing ran, `unfinished` what happens to a tick whose process ends before its flow has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Self

from octo.connectors.cron.settings import AGAIN, ONCE, Nothing, Stub, Tick, Trigger
from octo.connectors.cron.stub import Hand
from octo.connectors.cron.ticking import Ticking
from octo.core import clock
from octo.core.connector import connector
from octo.core.delivery import Delivery
from octo.core.source import Outlet, source
from octo.services.ports import KeyValue, Leases


@connector("cron")
class Cron:
    def __init__(self, hand: Hand | None = None) -> None:
        self._hand = hand

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        yield cls()

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Nothing, stub: Stub) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        yield cls(Hand())

    async def trigger(self, source: Tick, spec: Trigger) -> object:
        """One tick of the source."""
        assert self._hand is not None
        await self._hand.tick(source, spec.at or clock.now())
        return None

    @source("cron", once=True, sets=Nothing, guarantee="at most once", steps=ONCE.steps, instead=(AGAIN,))
    async def ticks(self, settings: Tick, site: Outlet, store: KeyValue, leases: Leases) -> AsyncIterator[Delivery]:
        """A message at every tick of the schedule, from the next one on.

        Each tick is run by one of all processes that run the flow and use the same services. What is remembered of the
        ticks outlives the process if the services do.
        """
        ticks = (
            Ticking(settings, site, store, leases).deliveries()
            if self._hand is None
            else self._hand.deliveries(settings)
        )
        async with aclosing(ticks) as deliveries:
            async for each in deliveries:
                yield each
