"""The data plane: what all requests of deployments share."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from fastapi import Request
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from octo.core.beside import beside
from octo.services.bells import Ear
from octo_platform.data import clock
from octo_platform.data.asker import Asker, Askers, is_present, unknown
from octo_platform.data.shelf import Shelf
from octo_platform.data.waiting import Waiting
from octo_platform.data.writing import Work, Writer
from octo_platform.installation import Installation
from octo_platform.problem import Problem
from octo_platform.storage.database import Database
from octo_platform.storage.tables import Deployment, Store

log = logging.getLogger("octo.platform")

MOST = 1000
"""Requests of a deployment that wait for something at once."""
SWEEP = 300.0
"""Seconds between two times that a store is swept."""
PAUSE = 20.0
"""Seconds between two looks for stores that are to be swept, on average."""
_AT_ONCE = 50
_NOT_BEFORE = 0.01
"""Seconds between two looks of a request that waits, at least."""

T = TypeVar("T")


class Look(NamedTuple, Generic[T]):
    """What a look has found. left: seconds after which there will be something, as far as is known."""

    found: T | None
    left: float | None = None


class Waited(NamedTuple, Generic[T]):
    """found: None if nothing came in time. has_left: whether the client has gone, so that nobody will get it."""

    found: T | None
    has_left: bool


class Plane:
    """See the module; made by `opened`. tasks: runs the transactions."""

    def __init__(self, installation: Installation, tasks: asyncio.TaskGroup) -> None:
        self.installation = installation
        self.database: Database = installation.database
        self.askers = Askers(self.database)
        self.waiting = Waiting(self.database)
        self.closing = asyncio.Event()
        self._writer = Writer(self.database, tasks, self.waiting.told)
        self._patient: Counter[str] = Counter()

    def close(self) -> None:
        """Let who waits go."""
        self.closing.set()
        self.waiting.ring_all()

    async def do(self, asker: Asker, work: Work[T]) -> T:
        """Write: see `Writer.do`."""
        return await self._writer.do(asker, work)

    async def read(self, asker: Asker, work: Callable[[Connection], T]) -> T:
        """Run queries that only read; return what the work returns. Raises `Problem` if the token counts no more."""

        def run(connection: Connection) -> T:
            query = select(Deployment.id).where(Deployment.id == asker.deployment, is_present())
            if connection.execute(query).first() is None:
                raise unknown()
            return work(connection)

        return await self.database.look(run)

    async def patiently(
        self, request: Request, asker: Asker, bell: str, wait: float, look: Callable[[], Awaitable[Look[T]]]
    ) -> Waited[T]:
        """Look until there is something, or for `wait` seconds, or until the client has gone."""
        time = asyncio.get_running_loop().time
        patience = time() + wait
        left = asyncio.Event()
        with self.waiting.listening(asker.store, bell) as ear:
            seen = await look()
            if seen.found is not None or not wait:
                return Waited(seen.found, has_left=False)
            async with self._counted(asker), beside(_leaving(request, left, ear)):
                while True:
                    soon = patience if seen.left is None else time() + max(seen.left, _NOT_BEFORE)
                    await ear.heard(min(patience, soon))
                    if left.is_set() or self.closing.is_set():
                        return Waited(None, left.is_set())
                    seen = await look()
                    if seen.found is not None or time() >= patience:
                        return Waited(seen.found, left.is_set())

    @asynccontextmanager
    async def _counted(self, asker: Asker) -> AsyncIterator[None]:
        """A request of the deployment waits while entered. Raises `Problem` if too many do."""
        if self._patient[asker.deployment] >= MOST:
            raise Problem("busy", f"at most {MOST} requests of a deployment wait at once").with_headers(
                {"Retry-After": "1"}
            )
        self._patient[asker.deployment] += 1
        try:
            yield
        finally:
            self._patient[asker.deployment] -= 1
            if not self._patient[asker.deployment]:
                del self._patient[asker.deployment]

    # --- sweeping ------------------------------------------------------------------------------------------------

    async def sweep_now_and_then(self) -> None:
        """Sweep the stores whose turn it is, until cancelled. Processes do not do it at the same moment."""
        while True:
            await asyncio.sleep(PAUSE * (0.5 + random.random()))  # noqa: S311  no secret
            try:
                await self.sweep()
            except SQLAlchemyError as error:
                log.warning("stores of deployments cannot be swept: %s", type(error).__name__)

    async def sweep(self) -> None:
        """Remove what is over from some stores."""
        for each in await self.database.look(_unswept):
            await self.database.change(partial(_sweep, each))


def _unswept(connection: Connection) -> Sequence[str]:
    query = select(Store.id).where(Store.swept < clock.moment(connection) - SWEEP).order_by(Store.swept)
    return connection.execute(query.limit(_AT_ONCE)).scalars().all()


def _sweep(store: str, connection: Connection) -> None:
    if (shelf := Shelf.taken(connection, store)) is not None:
        shelf.sweep()
        shelf.leave()


async def _leaving(request: Request, left: asyncio.Event, ear: Ear) -> None:
    """Tell when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    left.set()
    ear.ring()


@asynccontextmanager
async def opened(installation: Installation) -> AsyncIterator[Plane]:
    """The data plane of an installation; leaving waits for what was asked."""
    async with asyncio.TaskGroup() as tasks:
        plane = Plane(installation, tasks)
        async with beside(plane.waiting.watch()), beside(plane.sweep_now_and_then()):
            yield plane
