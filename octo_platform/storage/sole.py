"""One platform of all that share a database deploys to its own machine: two would run everything twice."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from octo_platform.storage.database import Database

log = logging.getLogger("octo.platform")

EVERY = 15.0
"""Seconds between two looks whether the lock is held still: it ends with its connection."""

PATIENCE = 10.0
"""Seconds after which another holder is no process that has just been killed."""

_LOCK = 0x0C70_0002
_TOLD = "another platform deploys to its own machine with this database: stop one of them"


class Shared(Exception):
    """Another platform deploys to its own machine with this database."""


class Sole:
    """See the module: a lock of PostgreSQL. A file of SQLite is locked by its name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: AsyncConnection | None = None

    async def take(self) -> None:
        """Take that right, waiting a little for a process that was just killed. Raises `Shared`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while not await self._taken():
            if loop.time() >= end:
                raise Shared(f"{_TOLD}; or choose --target kubernetes")
            await asyncio.sleep(0.2)

    async def keep(self) -> None:
        """Look after it until cancelled, and take it again if the database was away."""
        try:
            while not self._database.is_sqlite:
                await asyncio.sleep(EVERY)
                try:
                    await self._look()
                except SQLAlchemyError:
                    await self._let_go()
        finally:
            await self._let_go()

    async def _look(self) -> None:
        if self._held is not None:
            await self._held.execute(text("SELECT 1"))
        elif not await self._taken():
            log.error(_TOLD)

    async def _taken(self) -> bool:
        if self._database.is_sqlite:
            return True
        connection = await self._database.engine.connect()
        try:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            if await connection.scalar(text(f"SELECT pg_try_advisory_lock({_LOCK})")):
                self._held = connection
        finally:
            if self._held is None:
                await connection.close()
        return self._held is not None

    async def _let_go(self) -> None:
        if (held := self._held) is not None:
            self._held = None
            with suppress(SQLAlchemyError):
                await held.invalidate()  # back in the pool it would go on holding the lock
                await held.close()
