"""Writes: what is asked of a store while a transaction is under way is done together in the next.

One commit, and one wait for the disk, serve all of it. Stores do not wait for one another but on SQLite, where there is
one writer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from octo.services.grouping import Grouped
from octo_platform.data.asker import Asker, unknown
from octo_platform.data.shelf import Shelf
from octo_platform.problem import Problem
from octo_platform.storage.database import Database

log = logging.getLogger("octo.platform")

T = TypeVar("T")
Work = Callable[[Shelf], T]
Told = Callable[[str, Collection[str], int], None]
"""Is called after a commit with the store, the bells to ring, and the last number of the store."""


class _Asked(NamedTuple):
    asker: Asker
    work: Work[Any]


class Writer:
    """See the module. tasks: runs the transactions."""

    def __init__(self, database: Database, tasks: asyncio.TaskGroup, told: Told) -> None:
        self._database = database
        self._tasks = tasks
        self._told = told
        self._stores: dict[str, Grouped[_Asked, Any]] = {}

    async def do(self, asker: Asker, work: Work[T]) -> T:
        """Do it, and return what it returns once that is committed. Raises `Problem`, and what databases raise.

        Who stops waiting does not stop it.
        """
        found = self._stores.get(asker.store)
        if found is None:
            self._stores = {store: each for store, each in self._stores.items() if not each.is_idle}
            found = self._stores[asker.store] = Grouped(self._tasks, self._run)
        result: T = await found.ask(_Asked(asker, work))
        return result

    async def _run(self, asked: Sequence[_Asked]) -> Sequence[Any]:
        try:
            return await self._together(asked)
        except Exception as error:
            if len(asked) == 1:
                raise
            log.warning("what was asked of a store is done one by one: %s", type(error).__name__)
        return [await self._alone(each) for each in asked]

    async def _alone(self, asked: _Asked) -> Any:
        try:
            return (await self._together([asked]))[0]
        except Exception as error:  # noqa: BLE001  its caller gets it
            return error

    async def _together(self, asked: Sequence[_Asked]) -> Sequence[Any]:
        store = asked[0].asker.store
        done = await self._database.change(lambda connection: _done(connection, store, asked))
        self._told(store, done.rung, done.number)
        return done.results


class _Done(NamedTuple):
    results: Sequence[Any]
    rung: Collection[str] = ()
    number: int = 0


def _done(connection: Connection, store: str, asked: Sequence[_Asked]) -> _Done:
    shelf = Shelf.taken(connection, store)
    if shelf is None:
        return _Done([unknown() for _ in asked])
    results = [_tried(each, shelf) for each in asked]
    return _Done(results, shelf.rung, shelf.leave())


def _tried(asked: _Asked, shelf: Shelf) -> Any:
    if asked.asker.deployment != shelf.deployment:
        return unknown()
    try:
        return asked.work(shelf)
    except Problem as problem:
        return problem
