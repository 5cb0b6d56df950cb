"""Bells of stores: they wake requests that wait for something, also when another process has written.

Whoever is woken looks for himself. On PostgreSQL several processes may serve one store: each looks now and then at the
last numbers of the stores that somebody waits at here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from octo.services.bells import Bells, Ear
from octo_platform.storage.database import Database
from octo_platform.storage.tables import Store

LOOK = 0.25
"""Seconds between two looks for what other processes have written."""


class Waiting:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._bells: dict[str, Bells] = {}
        self._count: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    @contextmanager
    def listening(self, store: str, bell: str) -> Iterator[Ear]:
        """Listen while entered: no ring is missed between a look and the wait that follows."""
        bells = self._bells.setdefault(store, Bells())
        self._count[store] = self._count.get(store, 0) + 1
        try:
            with bells.listening(bell) as ear:
                yield ear
        finally:
            self._count[store] -= 1
            if not self._count[store]:
                del self._bells[store], self._count[store]
                self._seen.pop(store, None)

    def told(self, store: str, rung: Collection[str], number: int) -> None:
        """Wake who waits for what this process has written. number: the last one of the store."""
        if (bells := self._bells.get(store)) is not None:
            self._seen[store] = number
            for each in rung:
                bells.ring(each)

    def ring_all(self) -> None:
        """Wake everybody."""
        for each in self._bells.values():
            each.ring_all()

    async def watch(self) -> None:
        """Wake who waits at a store in which another process has written, until cancelled."""
        while not self._database.is_sqlite:  # there is one process
            await asyncio.sleep(LOOK)
            if self._bells:
                await self._look()

    async def _look(self) -> None:
        query = select(Store.id, Store.number).where(Store.id.in_(list(self._bells)))
        try:
            rows = await self._database.look(lambda connection: connection.execute(query).all())
        except SQLAlchemyError:
            return  # who asks for something is told
        for store, number in rows:
            if (bells := self._bells.get(store)) is not None and self._seen.get(store) != number:
                self._seen[store] = number
                bells.ring_all()
