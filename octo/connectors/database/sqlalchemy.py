"""MySQL, and every other database for which SQLAlchemy has an async dialect."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any
from weakref import WeakSet

from sqlalchemy import URL, event, exc, make_url
from sqlalchemy.engine import Connection as SyncConnection, CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from octo.connectors.database import codes, dsn, errors
from octo.connectors.database.codecs import teach
from octo.connectors.database.driver import Driver, Row
from octo.connectors.database.placeholders import rewritten
from octo.connectors.database.settings import MOST_BYTES, Connection
from octo.connectors.database.size import Size
from octo.connectors.database.statements import effect_of
from octo.connectors.database.values import to_value
from octo.core import codec
from octo.core.errors import OctoError, Permanent, Transient
from octo.expr.values import Duration, Exact, Timestamp

_AT_A_TIME = 32
"""Rows that are fetched together."""

_BUSY = 5.0
"""Seconds that SQLite waits for a lock at most, as it does by default."""

_FAREWELL = 0.5
"""Seconds that the server may take to say goodbye when the connector is closed."""


class SqlAlchemy:
    """An open engine. Every query is a transaction of its own."""

    def __init__(self, engine: AsyncEngine, settings: Connection, where: str) -> None:
        self._engine = engine
        self._settings = settings
        self._where = where
        self._style = engine.dialect.paramstyle

    @property
    def is_busy(self) -> bool:
        pool = self._engine.pool
        assert isinstance(pool, AsyncAdaptedQueuePool)
        return pool.checkedout() >= self._settings.open_limit

    async def fetch(self, query: str, args: Sequence[object], limit: int, most: int = MOST_BYTES) -> list[Row]:
        return await self._rows(query, args, limit, most)

    async def first(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> Row | None:
        rows = await self._rows(query, args, None, most)
        return rows[0] if rows else None

    async def _rows(self, query: str, args: Sequence[object], limit: int | None, most: int) -> list[Row]:
        """Return the rows, only the first if there is no limit. A few are fetched at a time, so that too many bytes are
        never in memory.
        """
        options = {"stream_results": effect_of(query) == "safe", "max_row_buffer": _AT_A_TIME}

        def read(connection: SyncConnection) -> list[Row]:
            result = connection.exec_driver_sql(*self._statement(query, args), execution_options=options)
            with closing(result):
                names, size = _names(result), Size(most)
                rows: list[Row] = []
                while names and (row := result.fetchone()) is not None:
                    if len(rows) == limit:
                        raise errors.too_many_rows(limit)
                    size.add(row)
                    rows.append(_row(names, row))
                    if limit is None:
                        break
            return rows

        async with self._connection() as connection:
            return await connection.run_sync(read)

    async def execute(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> int:  # noqa: ARG002
        async with self._connection() as connection:
            return max((await connection.exec_driver_sql(*self._statement(query, args))).rowcount, 0)

    async def ping(self) -> None:
        async with self._connection() as connection:
            await connection.exec_driver_sql("select 1")

    def _statement(self, query: str, args: Sequence[object]) -> tuple[str, tuple[object, ...] | None]:
        return rewritten(query, self._style), tuple(map(_argument, args)) or None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction until the deadline. Errors inside are raised as Octo's.

        The connection of a cancelled query is closed: not every dialect leaves it healthy.
        """
        seconds = self._settings.timeout
        connection: AsyncConnection | None = None
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline, self._engine.connect() as connection:
                try:
                    yield connection
                    await connection.commit()
                except asyncio.CancelledError:
                    await connection.invalidate()
                    raise
        except TimeoutError:
            if not deadline.expired():
                raise errors.unreachable(self._where, "no answer") from None
            if connection is None and not self.is_busy:
                raise errors.not_connected(self._where, "no answer in time") from None
            if connection is None:
                raise errors.exhausted(self._settings.open_limit, seconds or 0) from None
            raise errors.too_slow(seconds or 0) from None
        except OverflowError:  # SQLite; PostgreSQL's driver says which argument it is
            text = "an argument is a whole number beyond 64 bits; convert it with `string(...)`"
            raise Permanent(text, code=codes.BAD_ARGUMENT) from None
        except (exc.SQLAlchemyError, OSError) as error:
            raise errors.unfit(_text(error)) or translated(error, self._where) from error
        except ValueError as error:
            # The driver's Python types lack it: the year 20000, 24:00, text in another encoding.
            text = f"a value of the row cannot be read ({error}); cast it to text in the query"
            raise Permanent(text, code=codes.BAD_QUERY) from error


def _names(result: CursorResult[tuple[object, ...]]) -> list[str]:
    names = list(map(str, result.keys())) if result.returns_rows else []
    errors.check_columns(names)
    return names


def _row(names: Sequence[str], values: Sequence[object]) -> Row:
    return {name: to_value(value) for name, value in zip(names, values, strict=True)}


def _argument(value: object) -> object:
    """Return the argument as every dialect takes it. A decimal is its digits as text, which the column converts."""
    if isinstance(value, list | dict):
        return codec.write(value).decode()
    return str(value) if isinstance(value, Exact | Timestamp | Duration) else value


@asynccontextmanager
async def open_driver(settings: Connection) -> AsyncIterator[Driver]:
    where = dsn.place(settings.driver, settings.dsn.get_secret_value())
    try:
        engine = create_async_engine(
            _url(settings),
            connect_args=_connect_args(settings),
            poolclass=AsyncAdaptedQueuePool,
            pool_size=settings.idle_limit,
            max_overflow=settings.open_limit - settings.idle_limit,
            pool_recycle=settings.lifetime or -1,
            # A connection that the server has closed is replaced before a query uses it.
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except (exc.ArgumentError, exc.InvalidRequestError) as error:
        raise errors.refused_login(where, f"the `dsn` does not name an async dialect: {error}") from None
    except ModuleNotFoundError as error:
        extra = "mysql" if error.name == "aiomysql" else ""
        raise errors.no_library(settings.driver, str(error.name), extra) from None
    links: WeakSet[Any] = WeakSet()
    if engine.dialect.driver == "asyncpg":

        def connected(connection: Any, _record: object) -> None:
            # Its own Python types have no year 20000 and no month as a span of time.
            connection.run_async(teach)
            links.add(connection.driver_connection)

        event.listen(engine.sync_engine, "connect", connected)
    try:
        opened = SqlAlchemy(engine, settings, where)
        await opened.ping()
        yield opened
    finally:
        await _close(engine, links)


async def _close(engine: AsyncEngine, links: Iterable[Any]) -> None:
    """Close the connections; cut them if the server does not say goodbye in time."""
    try:
        async with asyncio.timeout(_FAREWELL):
            await engine.dispose()
    except TimeoutError:
        for each in links:
            each.terminate()


def _connect_args(settings: Connection) -> dict[str, object]:
    """SQLite's wait for the lock of another process cannot be interrupted; it must not outlast `queryTimeout`."""
    url = settings.dsn.get_secret_value()
    is_set = "timeout=" in url or not url.startswith("sqlite+aiosqlite:")
    return {} if is_set else {"timeout": min(settings.timeout or _BUSY, _BUSY)}


def _url(settings: Connection) -> URL:
    url = make_url(settings.dsn.get_secret_value())
    if settings.driver == "mysql":
        url = url.set(drivername="mysql+aiomysql")
    return url.set(password=settings.secret) if settings.secret else url


_LOGIN = re.compile(r"access denied|authentication failed|unknown database|does not exist", re.IGNORECASE)
_CONFLICT = re.compile(r"deadlock|lock wait timeout|serializ|database is locked", re.IGNORECASE)


def _text(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)


def translated(error: Exception, where: str) -> OctoError:
    """Return an error of SQLAlchemy as one of Octo's, with the driver's text; SQLAlchemy's would repeat the query."""
    text = _text(error)
    if isinstance(error, exc.TimeoutError | OSError):
        return errors.unreachable(where, text)
    if isinstance(error, exc.IntegrityError):
        return Permanent(text, code=codes.CONSTRAINT)
    if _CONFLICT.search(text):
        return Transient(text, code=codes.CONFLICT)
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return Transient(f"the connection to {where} broke: {text}", code=codes.LOST)
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        # These types stand both for what a server refuses for good and for what it cannot do now.
        return errors.refused_login(where, text) if _LOGIN.search(text) else _operational(text, where)
    return Permanent(text, code=codes.BAD_QUERY)


def _operational(text: str, where: str) -> OctoError:
    is_query = re.search(r"syntax|no such (table|column)|unknown column|near ", text, re.IGNORECASE)
    return Permanent(text, code=codes.BAD_QUERY) if is_query else errors.unreachable(where, text)
