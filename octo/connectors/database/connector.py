"""SQL databases: run queries whose values come from the message.

Values go to the database as parameters, never as text of the query, so nothing can be injected. What comes back keeps
its digits: a bigint stays an int, a numeric is never rounded. A broken connection fails the message as transient and
is opened again by itself; a query that takes too long, or whose message is cancelled, is cancelled on the server.

Each `sql` block is a transaction of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from octo import expr
from octo.connectors.database import dsn, errors
from octo.connectors.database.driver import Driver, Opener
from octo.connectors.database.settings import Connection, Query
from octo.core.block import block
from octo.core.connector import Healthy, connector
from octo.core.log import mask
from octo.core.message import Message
from octo.core.trace import effect

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
        mask(settings.secret)
        mask(dsn.password(settings.driver, settings.dsn.get_secret_value()))
        async with _opener(settings.driver)(settings) as driver:
            yield cls(driver)

    async def health(self) -> None:
        await self._driver.ping()

    @block("sql")
    async def sql(self, settings: Query, message: Message) -> Message:
        """Run a query. The body becomes the list of rows, the first row (`single`) or `{rowsAffected}` (`exec`)."""
        args = [_argument(each.program.function(message)) for each in settings.args]
        effect("sql", query=settings.query)
        if settings.exec_:
            return message.with_body({"rowsAffected": await self._driver.execute(settings.query, args)})
        if settings.single:
            return message.with_body(await self._driver.first(settings.query, args))
        return message.with_body(await self._driver.fetch(settings.query, args, settings.max_rows))


_: type[Healthy] = Database


def _opener(driver: str) -> Opener:
    module, package, extra = _DRIVERS[driver]
    try:
        return importlib.import_module(module).open_driver  # type: ignore[no-any-return]
    except ImportError as error:
        raise errors.no_library(driver, error.name or package, extra) from error


def _argument(value: object) -> object:
    """A CEL value for a driver: bytes as they are, everything else as JSON."""
    return value if value.__class__ is bytes else expr.to_json(value)
