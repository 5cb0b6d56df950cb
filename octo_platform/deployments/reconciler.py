"""Makes what runs equal to what is wanted, again and again, for as long as the platform runs.

What is wanted stands in the database, so a process that is killed at any point loses nothing: the next one goes on. A
deployment is worked on by one process at a time, which holds a claim on its row. Nothing is ever concluded from a
target that cannot be reached.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from octo.core.log import fields
from octo_platform.deploy.target import Observed, Reason, Refused, Target, Unreachable
from octo_platform.deploy.targets import Place
from octo_platform.deployments import building, outcomes, releases
from octo_platform.ids import new_id
from octo_platform.installation import Installation
from octo_platform.problem import Problem
from octo_platform.storage.sealing import Unsealable
from octo_platform.storage.tables import Deployment, Environment, now

log = logging.getLogger("octo.platform.reconciler")

MOST_AT_ONCE = 8
"""Deployments of one environment that are worked on at the same time: one that does not answer holds up no other."""

_MOST_WAITING = 4 * MOST_AT_ONCE
CLAIM = timedelta(seconds=30)
STEADY = timedelta(seconds=60)
"""How often a deployment is looked at that is as it shall be: so drift is corrected that no target has told of."""

PROGRESS = timedelta(seconds=1)
FAILED = timedelta(seconds=5)
"""How often one is looked at that has failed: what kept it from running may pass."""

SWEEP = 120.0
"""Seconds between two looks for what belongs to no deployment."""


class _Due(NamedTuple):
    id: str
    environment_id: str


class Reconciler:
    """See the module. `run` goes on until it is cancelled."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._me = new_id()
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(MOST_AT_ONCE))
        self._busy: dict[str, str] = {}
        """Deployment → environment of what is worked on, or waits for that."""
        self._dirty: set[str] = set()
        self._watched: dict[str, Target] = {}

    async def run(self) -> None:
        """Look for what is due, and work on it."""
        await self._begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep_now_and_then())
            while True:
                known = self._installation.bells.count("deployments")
                for each in await self._due():
                    self._busy[each.id] = each.environment_id
                    group.create_task(self._work(each))
                self._watch(group)
                await self._installation.bells.wait("deployments", known, PROGRESS.total_seconds())

    async def _begin(self) -> None:
        """What was seen before this process began is old: everything is due.

        The claims of a process that ended run out by themselves. On SQLite there is no other process to respect.
        """
        stale = update(Deployment).values(status_at=releases.NEVER)
        unfinished = update(Deployment).where(Deployment.observed_generation < Deployment.generation)
        async with self._installation.database.write() as session:
            await session.execute(stale)
            await session.execute(unfinished.values(progress_at=now()))  # while nobody worked on it, no time passed
            if self._installation.database.is_sqlite:
                await session.execute(update(Deployment).values(claimed_until=None))

    async def _due(self) -> Sequence[_Due]:
        """What has to be worked on now, and is not."""
        at = now()
        dirty, self._dirty = self._dirty, set()
        unsettled = or_(
            Deployment.wanted == "gone",
            Deployment.observed_generation < Deployment.generation,
            Deployment.phase.in_(("progressing", "degraded")),
        )
        due = or_(
            unsettled & (Deployment.status_at < at - PROGRESS),
            (Deployment.phase == "failed") & (Deployment.status_at < at - FAILED),
            Deployment.status_at < at - STEADY,
            Deployment.id.in_(dirty),
        )
        free = or_(Deployment.claimed_until.is_(None), Deployment.claimed_until < at, Deployment.claimed_by == self._me)
        full = [each for each, count in Counter(self._busy.values()).items() if count >= _MOST_WAITING]
        others = Deployment.id.notin_(self._busy) & Deployment.environment_id.notin_(full)
        query = select(Deployment.id, Deployment.environment_id).where(due, free, others).order_by(Deployment.status_at)
        try:
            async with self._installation.database.read() as session:
                found = [_Due(*each) for each in await session.execute(query.limit(_MOST_WAITING))]
        except SQLAlchemyError as error:
            log.warning("the database cannot be asked", extra=fields(error=type(error).__name__))
            self._dirty |= dirty
            return ()
        self._dirty |= dirty & self._busy.keys()
        return found

    async def _work(self, due: _Due) -> None:
        """One step of one deployment. What fails is logged and tried again; it never ends the reconciler."""
        try:
            async with self._turns[due.environment_id]:
                if await self._claim(due.id):
                    await self._step(due.id)
        except SQLAlchemyError as error:
            log.warning("the database failed", extra=fields(deployment=due.id, error=type(error).__name__))
        except Exception:
            log.exception("a deployment could not be worked on", extra=fields(deployment=due.id))
            await asyncio.sleep(PROGRESS.total_seconds())
        finally:
            del self._busy[due.id]

    async def _claim(self, deployment: str) -> bool:
        """Take the deployment for this process, for some time. Return whether it was free."""
        at = now()
        free = or_(Deployment.claimed_until.is_(None), Deployment.claimed_until < at, Deployment.claimed_by == self._me)
        query = update(Deployment).where(Deployment.id == deployment, free)
        claimed = query.values(claimed_by=self._me, claimed_until=at + CLAIM, status_at=at)
        async with self._installation.database.write() as session:
            found = await session.execute(claimed.returning(Deployment.id))
            return found.first() is not None

    async def _step(self, deployment: str) -> None:
        installation = self._installation
        async with installation.database.read() as session:
            row = await session.get(Deployment, deployment)
            if row is None:
                return
            place = await building.place_of(session, await session.get_one(Environment, row.environment_id))
        try:
            target = await installation.targets.of(place)
            if row.wanted == "gone":
                if await target.remove(row.id):
                    await outcomes.forget(installation, row.id)
                else:
                    await outcomes.note_removing(installation, row.id, await target.observe(row.id))
                return
            seen = await self._apply(target, row)
        except Unreachable as error:
            reason = Reason(code="TargetUnreachable", text=str(error))
            await outcomes.note_unreachable(installation, row.id, reason)
        except Refused as error:
            reasons = (Reason(code="Refused", text=str(error)),)
            seen = Observed(phase="failed", generation=row.generation, reasons=reasons)
            await outcomes.note(installation, row.id, row.generation, seen)
        else:
            await outcomes.note(installation, row.id, row.generation, seen)

    async def _apply(self, target: Target, row: Deployment) -> Observed:
        """Tell the target what is wanted, and look. Raises `Unreachable` or `Refused`."""
        try:
            async with self._installation.database.read() as session:
                desired = await building.desired(session, self._installation, row)
        except (Problem, Unsealable) as error:
            raise Refused(str(error)) from None
        await target.apply(desired)
        return await target.observe(row.id)

    # --- what targets tell ---------------------------------------------------------------------------------------

    def _watch(self, group: asyncio.TaskGroup) -> None:
        """Listen to each target that is open."""
        for environment, target in self._installation.targets.opened().items():
            if self._watched.get(environment) is not target:
                self._watched[environment] = target
                group.create_task(self._listen(environment, target))

    async def _listen(self, environment: str, target: Target) -> None:
        try:
            async for deployment in target.changes():
                self._dirty.add(deployment)
                self._installation.bells.ring("deployments")
        except (Unreachable, Refused) as error:
            log.warning("a target tells no changes", extra=fields(environment=environment, error=str(error)))
            await asyncio.sleep(STEADY.total_seconds())
        except Exception:
            log.exception("a target tells no changes", extra=fields(environment=environment))
            await asyncio.sleep(STEADY.total_seconds())
        finally:
            if self._watched.get(environment) is target:  # it may be another one's by now
                del self._watched[environment]

    # --- what belongs to no deployment ---------------------------------------------------------------------------

    async def _sweep_now_and_then(self) -> None:
        while True:
            for name, place in await self._places():
                try:
                    await self._sweep(place)
                except (Unreachable, Refused) as error:
                    log.warning("could not look for what is left over", extra=fields(place=name, error=str(error)))
                except Exception:
                    log.exception("could not look for what is left over", extra=fields(place=name))
            await asyncio.sleep(SWEEP)

    async def _places(self) -> Sequence[tuple[str, Place]]:
        """All environments, with their names."""
        try:
            async with self._installation.database.read() as session:
                rows = (await session.scalars(select(Environment))).all()
                return [(each.name, await building.place_of(session, each)) for each in rows]
        except SQLAlchemyError as error:
            log.warning("the database cannot be asked", extra=fields(error=type(error).__name__))
            return ()

    async def _sweep(self, place: Place) -> None:
        """Remove what is left of deployments that are gone. A target that cannot be read is left alone."""
        target = await self._installation.targets.of(place)
        found = await target.found()
        async with self._installation.database.read() as session:  # after the look: a new one is known by now
            # Those of all environments: two of them may lead to one namespace.
            known = {*await session.scalars(select(Deployment.id))}
        for orphan in found - known:
            log.warning("removing what belongs to no deployment", extra=fields(deployment=orphan))
            await target.remove(orphan)
