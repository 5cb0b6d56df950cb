"""Resuming: messages that a process had accepted when it ended are gone on with, here or in another process.

Only those whose source does not bring them again: a request over HTTP, a one-way call. Any other comes with its source,
and goes on when it does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from octo.core.delivery import Delivery
from octo.core.errors import OctoError, Permanent
from octo.core.log import fields
from octo.core.record import UNREADABLE
from octo.engine.flow import Flow
from octo.engine.journal.journal import Journal
from octo.engine.journal.run import Run
from octo.engine.settlement import Settlement
from octo.engine.work import Work
from octo.services.ports import Conflict

log = logging.getLogger("octo.engine")

EVERY = 5.0
"""Seconds between two looks for runs that go on nowhere."""
MOST_ATTEMPTS = 10
"""How often a run is gone on with without getting further; then its message is a dead letter."""


class Resuming:
    """See the module. pinned: the flow of a run that began with other files."""

    def __init__(
        self, journal: Journal, flows: Mapping[str, Flow], work: Work, pinned: Callable[[Run], Awaitable[Flow]]
    ) -> None:
        self._journal = journal
        self._flows = flows
        self._work = work
        self._pinned = pinned
        self._told: set[str] = set()

    async def live(self) -> None:
        """Look for runs that go on nowhere, again and again, until cancelled."""
        while True:
            try:
                await self._journal.candidate.elected()
                alive: dict[str, bool] = {}
                async for id_ in self._journal.others():
                    await self._look(id_, alive)
            except OctoError as error:
                log.warning("the journal cannot be read now", extra=fields(error=str(error)))
            await asyncio.sleep(EVERY)

    async def _look(self, id_: str, alive: dict[str, bool]) -> None:
        """Go on with the run if it goes on nowhere. One that cannot be read must not stop the others."""
        try:
            run = await self._journal.orphan(id_, alive)
        except Conflict:
            return  # another process goes on with it
        except OctoError as error:
            if error.code != UNREADABLE and not isinstance(error, Permanent):
                raise
            self._tell(id_, fields(run=id_, error=str(error)))
            return
        if run is not None:
            self._journal.running.add(run.id)
            self._work.spawn(self._go_on(run))

    def _tell(self, id_: str, about: dict[str, object]) -> None:
        if id_ not in self._told:
            self._told.add(id_)
            log.error("a message cannot go on, and is kept", extra=about)

    async def _go_on(self, run: Run) -> None:
        try:
            flow = await self._flow(run)
        except OctoError as error:
            self._tell(run.id, fields(flow=run.label.flow, event_id=run.label.event, error=str(error)))
            run.left()
            return
        await flow.room()
        log.info("going on with a message", extra=fields(flow=run.label.flow, event_id=run.label.event))
        delivery = Delivery(run.message, attempt=run.label.attempt, most_attempts=MOST_ATTEMPTS)
        await Settlement(flow, self._work, lambda _: None, lambda _: None, run=run).run(delivery)

    async def _flow(self, run: Run) -> Flow:
        if run.label.config == self._journal.version:
            return self._flows[run.label.flow]
        return await self._pinned(run)
