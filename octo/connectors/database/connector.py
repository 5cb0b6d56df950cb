"""SQL databases: run queries whose values come from the message.

Values go to the database as parameters, never as part of the query's text, so nothing can be injected. The kind of a
value follows from the type of its column, and digits and bytes are kept: a bigint is an int, a numeric is a decimal
that is never rounded, also a whole one, a bytea or blob is bytes (`string(...)` converts them to text). Times are RFC
3339 texts, intervals texts such as `5400s`; what has no such form (`infinity`, the year 20000, `1 mon`) is the
server's own text. If a connection breaks, the message fails as transient, and the next query opens another. A query
that takes too long, or whose message is cancelled, is cancelled on the server.

Each `sql` block is a transaction of its own: all of its statements take effect, or none. The page
[Databases](databases.md) has the table of types and what is promised about waiting and changed tables.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from octo import expr
from octo.connectors.database import codes, dsn, errors
from octo.connectors.database.driver import Driver, Opener
from octo.connectors.database.settings import Connection, Query
from octo.connectors.database.stub import Stub
from octo.core.block import block
from octo.core.connector import connector
from octo.core.errors import OctoError, Permanent, Transient
from octo.core.message import Message
from octo.core.powers import Healthy
from octo.core.secrets import mask
from octo.core.trace import effect

_PING = 2.0
"""Seconds that a health check may take: probes come every few seconds, and have time limits of their own."""

_DRIVERS = {
    "postgres": ("octo.connectors.database.postgres", "asyncpg", "postgres"),
    "sqlite": ("octo.connectors.database.sqlite", "sqlite3", "sqlite"),
    "mysql": ("octo.connectors.database.sqlalchemy", "aiomysql", "mysql"),
    "sqlalchemy": ("octo.connectors.database.sqlalchemy", "sqlalchemy", "sql"),
}


@connector("database")
class Database:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Connection) -> AsyncIterator[Self]:
        mask(dsn.password(settings.driver, settings.dsn.get_secret_value()))
        async with _opener(settings.driver)(settings) as driver:
            yield cls(driver)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Connection, stub: Stub) -> AsyncIterator[Self]:
        if stub.sqlite is not None:
            from octo.connectors.database.seeded import seeded

            async with seeded(settings, stub.sqlite) as driver:
                yield cls(driver)
        else:
            from octo.connectors.database.canned import Canned

            yield cls(Canned(settings, stub.answers or ()))

    async def health(self) -> None:
        # Busy is not broken: the queries under way find a broken connection themselves, and an unhealthy process would
        # only push its load onto the next one.
        if self._driver.is_busy:
            return
        try:
            async with asyncio.timeout(_PING):
                await self._driver.ping()
        except TimeoutError:
            raise Transient(f"the database did not answer within {_PING:g}s", code=codes.UNREACHABLE) from None
        except Permanent as error:
            raise Transient(str(error), code=error.code) from error

    @block("sql", guarantee="answered", steps=("send", "confirm"), idempotent="as written")
    async def sql(self, settings: Query, message: Message) -> Message:
        """Run a query. The body becomes the list of rows, the first row (`single`) or `{rowsAffected}` (`exec`)."""
        args = [expr.settle(each.program.function(message)) for each in settings.args]
        clock = asyncio.get_running_loop().time
        began = clock()
        seen: dict[str, object] = {"query": settings.query}
        try:
            body, count = await self._answer(settings, args)
            seen |= count
        except OctoError as error:
            seen["error"] = error.code
            raise error.within("sql exec" if settings.exec_ else "sql query") from error
        finally:
            effect("sql", **seen, seconds=round(clock() - began, 6))
        return message.with_body(body)

    async def _answer(self, settings: Query, args: list[object]) -> tuple[object, dict[str, int]]:
        """Return the new body, and the number of its rows for the trace."""
        if settings.exec_:
            affected = {"rowsAffected": await self._driver.execute(settings.query, args, settings.max_bytes)}
            return affected, affected
        if settings.single:
            row = await self._driver.first(settings.query, args, settings.max_bytes)
            return row, {"rows": int(row is not None)}
        rows = await self._driver.fetch(settings.query, args, settings.max_rows, settings.max_bytes)
        return rows, {"rows": len(rows)}


_: type[Healthy] = Database


def _opener(driver: str) -> Opener:
    module, package, extra = _DRIVERS[driver]
    try:
        return importlib.import_module(module).open_driver  # type: ignore[no-any-return]
    except ImportError as error:
        raise errors.no_library(driver, error.name or package, extra) from error
