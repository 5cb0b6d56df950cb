"""Resuming: messages that a process had accepted when it ended are gone on with, here or in another process.

Only those whose source does not bring them again: a request over HTTP, a one-way call. Any other comes with its source,
and goes on when it does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from octo.core.delivery import Delivery, Retry, Verdict
from octo.core.errors import OctoError
from octo.core.log import fields
from octo.engine.flow import Flow
from octo.engine.journal.journal import Journal
from octo.engine.journal.run import Run
from octo.engine.settlement import Settlement
from octo.engine.work import Work
from octo.services.ports import Conflict

log = logging.getLogger("octo.engine")

EVERY = 5.0
"""Seconds between two looks for runs that go on nowhere."""
MOST_ATTEMPTS = 5
"""How often a run is tried again for an error that may pass; then its message is a dead letter."""


class Resuming:
    """See the module. pinned: the flow of a run that began with other files."""

    def __init__(
        self, journal: Journal, flows: Mapping[str, Flow], work: Work, pinned: Callable[[Run], Awaitable[Flow]]
    ) -> None:
        self._journal = journal
        self._flows = flows
        self._work = work
        self._pinned = pinned
        self._attempts: Counter[str] = Counter()
        self._told: set[str] = set()

    async def live(self) -> None:
        """Look for runs that go on nowhere, again and again, until cancelled."""
        while True:
            try:
                await self._journal.candidate.elected()
                async for run in self._journal.orphans():
                    self._journal.running.add(run.id)
                    self._work.spawn(self._go_on(run))
            except Conflict:
                pass  # another process goes on with it
            except OctoError as error:
                log.warning("the journal cannot be read now", extra=fields(error=str(error)))
            await asyncio.sleep(EVERY)

    async def _go_on(self, run: Run) -> None:
        try:
            flow = await self._flow(run)
        except OctoError as error:
            if run.id not in self._told:
                about = fields(flow=run.label.flow, event_id=run.label.event, error=str(error))
                log.error("a message cannot go on, and is kept", extra=about)  # noqa: TRY400
                self._told.add(run.id)
            run.left()
            return
        await flow.room()
        self._attempts[run.id] += 1
        log.info("going on with a message", extra=fields(flow=run.label.flow, event_id=run.label.event))

        async def settle(verdict: Verdict) -> None:
            if not isinstance(verdict, Retry):
                del self._attempts[run.id]

        attempt = self._attempts[run.id]
        delivery = Delivery(run.message, settle, attempt=attempt, most_attempts=MOST_ATTEMPTS)
        await Settlement(flow, self._work, lambda _: None, lambda _: None, run=run).run(delivery)

    async def _flow(self, run: Run) -> Flow:
        if run.label.config == self._journal.version:
            return self._flows[run.label.flow]
        return await self._pinned(run)
