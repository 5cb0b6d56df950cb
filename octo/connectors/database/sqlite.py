"""SQLite: Python's own library, in threads; one connection unless `maxOpenConns` says more.

Files use the write-ahead log, so that readers and the writer do not block one another, and foreign keys are enforced.
A database in memory lives in its only connection, for as long as the connector is open.

aiosqlite is not used: it sends each call to its thread separately, so one query would change threads three times, and
a cancelled query would still run to its end.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from octo.connectors.database import codes, dsn, errors
from octo.connectors.database.driver import Driver, Row
from octo.connectors.database.settings import Connection
from octo.connectors.database.values import to_value
from octo.core import codec
from octo.core.errors import OctoError, Permanent, Timeout, Transient
from octo.expr.values import Duration, Exact, Timestamp

T = TypeVar("T")

_BUSY = 5.0
"""Seconds that SQLite itself waits for another process's lock."""

_INTERRUPT_AGAIN = 0.05
_INT64 = range(-(2**63), 2**63)


class Sqlite:
    """Open connections, each used by one query at a time."""

    def __init__(self, settings: Connection) -> None:
        self._settings = settings
        self._path = settings.dsn.get_secret_value()
        self._where = dsn.place("sqlite", self._path)
        self._slots = asyncio.Semaphore(settings.open_limit)
        self._idle: list[sqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(settings.open_limit, thread_name_prefix="octo-sqlite")

    @property
    def is_busy(self) -> bool:
        return self._slots.locked()

    async def fetch(self, query: str, args: Sequence[object], limit: int) -> list[Row]:
        bound = _bound(query, args)

        def work(connection: sqlite3.Connection) -> list[Row]:
            cursor = connection.execute(query, bound)
            rows = cursor.fetchmany(limit + 1)
            if len(rows) > limit:
                cursor.close()
                raise errors.too_many_rows(limit)
            return [_row(cursor, each) for each in rows]

        return await self._run(work)

    async def first(self, query: str, args: Sequence[object]) -> Row | None:
        bound = _bound(query, args)

        def work(connection: sqlite3.Connection) -> Row | None:
            cursor = connection.execute(query, bound)
            row = cursor.fetchone()
            cursor.close()
            return None if row is None else _row(cursor, row)

        return await self._run(work)

    async def execute(self, query: str, args: Sequence[object]) -> int:
        bound = _bound(query, args)

        def work(connection: sqlite3.Connection) -> int:
            if not args and _has_several_statements(query):
                before = connection.total_changes
                connection.executescript(query)
                return connection.total_changes - before
            cursor = connection.execute(query, bound)
            # A statement with RETURNING counts its rows as they are fetched.
            for _ in cursor:
                pass
            return max(cursor.rowcount, 0)

        return await self._run(work)

    async def ping(self) -> None:
        await self._run(lambda connection: connection.execute("select 1").fetchone())

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work with a connection of its own until the deadline. Errors are raised as Octo's."""
        seconds = self._settings.timeout
        has_slot = False
        try:
            async with asyncio.timeout(seconds), self._slots:
                has_slot = True
                connection = self._idle.pop() if self._idle else await self._connect()
                try:
                    return await self._in_thread(work, connection)
                finally:
                    self._keep(connection)
        except TimeoutError:
            limit = self._settings.open_limit
            raise errors.too_slow(seconds or 0) if has_slot else errors.exhausted(limit, seconds or 0) from None
        except sqlite3.Error as error:
            raise _translated(error, self._where) from error

    async def _connect(self) -> sqlite3.Connection:
        future = asyncio.get_running_loop().run_in_executor(self._threads, connect, self._path)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(_close_late)
            raise

    async def _in_thread(self, work: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
        """Run the work in a thread; if cancelled, interrupt it and return only once it has ended."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, _alone, work, connection)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await _interrupt(connection, future)
            raise

    def _keep(self, connection: sqlite3.Connection) -> None:
        if len(self._idle) < self._settings.idle_limit:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        self._threads.shutdown()
        for connection in self._idle:
            connection.close()


@asynccontextmanager
async def open_driver(settings: Connection) -> AsyncIterator[Driver]:
    sqlite = Sqlite(settings)
    try:
        await sqlite.ping()
        yield sqlite
    finally:
        sqlite.close()


def _alone(work: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
    """Do the work, and roll back a transaction that it leaves open."""
    try:
        return work(connection)
    finally:
        if connection.in_transaction:
            connection.rollback()


async def _interrupt(connection: sqlite3.Connection, future: asyncio.Future[T]) -> None:
    # Invariant: a connection goes back only once its thread has left it, however often this task is cancelled.
    while not future.done():
        connection.interrupt()
        try:
            await asyncio.wait([future], timeout=_INTERRUPT_AGAIN)
        except asyncio.CancelledError:
            continue
    if not future.cancelled():
        future.exception()  # retrieved, so that asyncio does not log it


def _close_late(future: asyncio.Future[sqlite3.Connection]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().close()


def connect(path: str) -> sqlite3.Connection:
    """Return a connection that commits every statement by itself."""
    is_uri = path.startswith("file:")
    file = unquote(urlsplit(path).path) if is_uri else path
    is_memory = dsn.is_in_memory("sqlite", path)
    folder = Path(file).parent
    if not is_memory and not folder.is_dir():
        raise errors.unreachable(dsn.place("sqlite", path), f"the folder {str(folder)!r} does not exist")
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False, uri=is_uri)
    try:
        if not is_memory and not re.search(r"[?&](mode=ro|immutable=1)\b", path):
            connection.execute("pragma journal_mode = wal").fetchone()
        connection.execute("pragma foreign_keys = on")
    except BaseException:
        connection.close()
        raise
    return connection


def _row(cursor: sqlite3.Cursor, values: tuple[object, ...]) -> Row:
    names = (each[0] for each in cursor.description)
    return {name: to_value(value) for name, value in zip(names, values, strict=True)}


# --- arguments ---------------------------------------------------------------------------------------------------

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)


def _bound(query: str, args: Sequence[object]) -> Sequence[object] | Mapping[str, object]:
    """Return the arguments in order for `?`, by number for `$1`, which SQLite takes for a name."""
    values = [_argument(position, value) for position, value in enumerate(args, 1)]
    text = _QUOTED.sub("", query)
    if "?" not in text and re.search(r"\$\d", text):
        return {str(position): value for position, value in enumerate(values, 1)}
    return values


def _argument(position: int, value: object) -> object:
    if isinstance(value, list | dict):
        return codec.write(value).decode()
    if isinstance(value, Exact | Timestamp | Duration):
        return str(value)  # a numeric column converts the digits to the nearest double, all others keep them
    if isinstance(value, int) and value not in _INT64:
        raise errors.bad_argument(position, "a whole number beyond 64 bits; convert it with `string(...)`")
    return value


def _has_several_statements(query: str) -> bool:
    return ";" in _QUOTED.sub("", query).strip().rstrip(";")


# --- errors ------------------------------------------------------------------------------------------------------

_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_WORLD_CODES = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM}


def _translated(error: sqlite3.Error, where: str) -> OctoError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    text = f"{error} ({name})" if (name := getattr(error, "sqlite_errorname", "")) else str(error)
    if code in _BUSY_CODES:
        return Transient(text, code=codes.CONFLICT)
    if code in _WORLD_CODES:
        return errors.unreachable(where, text)
    if code == sqlite3.SQLITE_INTERRUPT:
        return Timeout(text, code=codes.TOO_SLOW)
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Permanent(text, code=codes.CONSTRAINT)
    is_argument = isinstance(error, sqlite3.InterfaceError | sqlite3.ProgrammingError) and "inding" in text
    return Permanent(text, code=codes.BAD_ARGUMENT if is_argument else codes.BAD_QUERY)
