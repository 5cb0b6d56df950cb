"""Resuming: messages that a process had accepted when it ended are gone on with, here or in another process.

Only those whose source does not bring them again: a request over HTTP, a one-way call. Any other comes with its source,
and goes on when it does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

from octo.core.delivery import Delivery, Retry, Verdict
from octo.core.errors import OctoError, Permanent
from octo.core.log import fields
from octo.core.record import UNREADABLE
from octo.engine.flow import Flow
from octo.engine.journal.journal import Journal
from octo.engine.journal.run import Run
from octo.engine.settlement import Settlement
from octo.engine.work import Work

log = logging.getLogger("octo.engine")

EVERY = 5.0
"""Seconds between two looks for runs that go on nowhere."""
MOST_ATTEMPTS = 10
"""How often a run is gone on with without getting further; then its message is a dead letter."""


class Resuming:
    """See the module.

    version_of: the version of the flow files in which a run goes on. pinned: its flow, if these are other files.
    """

    def __init__(
        self,
        journal: Journal,
        flows: Mapping[str, Flow],
        work: Work,
        version_of: Callable[[Run], str],
        pinned: Callable[[Run], Awaitable[Flow]],
    ) -> None:
        self._journal = journal
        self._flows = flows
        self._work = work
        self._version_of = version_of
        self._pinned = pinned
        self._turns: defaultdict[Flow, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._told: set[str] = set()
        self._is_over = False

    async def live(self) -> None:
        """Look for runs that go on nowhere, again and again, until cancelled. Then none is taken over any more."""
        try:
            while True:
                try:
                    await self._all()
                except OctoError as error:
                    log.warning("the journal cannot be read now", extra=fields(error=str(error)))
                await asyncio.sleep(EVERY)
        finally:
            self._is_over = True

    async def _all(self) -> None:
        await self._journal.candidate.elected()
        alive: dict[str, bool] = {}
        async for id_ in self._journal.others():
            await self._look(id_, alive)

    async def _look(self, id_: str, alive: dict[str, bool]) -> None:
        """Go on with the run if it goes on nowhere. One that cannot be read must not stop the others."""
        try:
            run = await self._journal.orphan(id_, alive)
        except OctoError as error:
            if error.code != UNREADABLE and not isinstance(error, Permanent):
                raise
            self._tell(id_, fields(run=id_, error=str(error)))
            return
        if run is not None:
            self._journal.running.add(id_)
            version = self._version_of(run)
            run.forget()
            self._work.spawn(self._go_on(run, version))

    def _tell(self, id_: str, about: dict[str, object]) -> None:
        if id_ not in self._told:
            self._told.add(id_)
            log.error("a message cannot go on, and is kept", extra=about)

    async def _go_on(self, run: Run, version: str) -> None:
        """Take the run over once its flow has room: until then any process may, and its message takes no memory."""
        try:
            flow = await self._flow(run, version)
        except OctoError as error:
            self._tell(run.id, fields(flow=run.label.flow, event_id=run.label.event, error=str(error)))
            run.left()
            return
        async with self._turns[flow]:
            await flow.room()
            is_ours = not self._is_over and await self._took(run, version)
        if is_ours:
            await self._run(flow, run)
        else:
            run.left()

    async def _took(self, run: Run, version: str) -> bool:
        before = run.label.owner
        try:
            if not await run.read() or run.label.owner != before:
                return False
            run.moved(version)
            await run.took(self._journal.owner)
        except OctoError:  # another process was faster, or the store is away: the next look tells
            return False
        return True

    async def _run(self, flow: Flow, run: Run) -> None:
        rest: float | None = None

        async def settled(verdict: Verdict) -> None:
            nonlocal rest
            rest = verdict.after if isinstance(verdict, Retry) else None

        log.info("going on with a message", extra=fields(flow=run.label.flow, event_id=run.label.event))
        delivery = Delivery(run.message, settled, attempt=run.label.attempt, most_attempts=MOST_ATTEMPTS)
        await Settlement(flow, self._work, lambda _: None, lambda _: None, run=run).run(delivery)
        if rest is not None:
            self._journal.running.add(run.id)
            asyncio.get_running_loop().call_later(rest, run.left)

    async def _flow(self, run: Run, version: str) -> Flow:
        if version == self._journal.version and run.label.flow in self._flows:
            return self._flows[run.label.flow]
        return await self._pinned(run)
