"""SQLite: Python's own library, in threads; one connection unless `maxOpenConns` says more.

Files use the write-ahead log, so that readers and the writer do not block one another, and foreign keys are enforced.
Another process may hold the lock all the same. SQLite's own waiting cannot be interrupted, so a statement that finds
the database locked is tried again here, until it is free or the message is no longer wanted.
A database in memory lives in its only connection, for as long as the connector is open.

aiosqlite is not used: it sends each call to its thread separately, so one query would change threads three times, and
a cancelled query would still run to its end.
"""

from __future__ import annotations

import asyncio
import functools
import re
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from octo.connectors.database import codes, dsn, errors
from octo.connectors.database.driver import Driver, Row
from octo.connectors.database.settings import MOST_BYTES, Connection
from octo.connectors.database.size import Size
from octo.connectors.database.statements import effect_of
from octo.connectors.database.values import to_value
from octo.core import codec
from octo.core.errors import OctoError, Permanent, Timeout, Transient
from octo.expr.values import Duration, Exact, Timestamp

T = TypeVar("T")

_LOOK_AGAIN = 0.01
"""Seconds between two looks at a lock that another process holds."""

_INTERRUPT_AGAIN = 0.05
_INT64 = range(-(2**63), 2**63)


class Link(sqlite3.Connection):
    """A connection. file: device and number of the file that it opened; a name may mean another file later."""

    file: tuple[int, int] | None = None


class Sqlite:
    """Open connections, each used by one query at a time."""

    def __init__(self, settings: Connection) -> None:
        self._settings = settings
        self._path = settings.dsn.get_secret_value()
        self._where = dsn.place("sqlite", self._path)
        self._slots = asyncio.Semaphore(settings.open_limit)
        self._idle: list[Link] = []
        self._is_in_memory = dsn.is_in_memory("sqlite", self._path)
        self._threads = ThreadPoolExecutor(settings.open_limit, thread_name_prefix="octo-sqlite")

    @property
    def is_busy(self) -> bool:
        return self._slots.locked()

    async def fetch(self, query: str, args: Sequence[object], limit: int, most: int = MOST_BYTES) -> list[Row]:
        bound = _bound(query, args)

        def work(session: Session) -> list[Row]:
            with closing(session.execute(query, bound)) as cursor:
                names, size = _names(cursor), Size(most)
                rows: list[tuple[object, ...]] = []
                for values in cursor:
                    if len(rows) == limit:
                        raise errors.too_many_rows(limit)
                    size.add(values)
                    rows.append(values)
            return [_row(names, each) for each in rows]

        return await self._run(work, query, is_transaction=_changes(query))

    async def first(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> Row | None:
        bound = _bound(query, args)

        def work(session: Session) -> Row | None:
            with closing(session.execute(query, bound)) as cursor:
                names = _names(cursor)
                row = cursor.fetchone()
            Size(most).add(row or ())
            return None if row is None else _row(names, row)

        return await self._run(work, query, is_transaction=_changes(query))

    async def execute(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> int:  # noqa: ARG002
        bound = _bound(query, args)
        script = () if args else statements(query)

        def work(session: Session) -> int:
            if len(script) > 1:
                return _run_script(session, script)
            cursor = session.execute(query, bound)
            # A statement with RETURNING counts its rows as they are fetched.
            for _ in cursor:
                pass
            return max(cursor.rowcount, 0)

        is_transaction = len(script) > 1 and _OUTSIDE.isdisjoint(map(_first_word, script))
        return await self._run(work, query, is_transaction=is_transaction)

    async def ping(self) -> None:
        await self._run(lambda session: session.execute("select 1").fetchone())

    async def _run(self, work: Callable[[Session], T], query: str = "", *, is_transaction: bool = False) -> T:
        """Do the work with a connection of its own until the deadline. Errors are raised as Octo's."""
        seconds = self._settings.timeout
        session = None
        try:
            async with asyncio.timeout(seconds), self._slots:
                session = Session()
                session.connection = self._unused() or await self._connect(session)
                try:
                    return await self._in_thread(_whole(work) if is_transaction else work, session)
                finally:
                    self._keep(session.connection, query)
        except TimeoutError:
            if session is None:
                raise errors.exhausted(self._settings.open_limit, seconds or 0) from None
            if session.is_waiting:
                raise errors.locked(self._where, seconds or 0) from None
            raise errors.too_slow(seconds or 0) from None
        except sqlite3.Error as error:
            raise _translated(error, self._where) from error

    async def _connect(self, session: Session) -> Link:
        future = asyncio.get_running_loop().run_in_executor(self._threads, connect, self._path)
        try:
            session.connection = await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(_close_late)
            raise
        try:
            await self._in_thread(self._set_up, session)
        except BaseException:
            session.connection.close()
            raise
        session.connection.file = _identity(self._path)
        return session.connection

    def _set_up(self, session: Session) -> None:
        if not self._is_in_memory and not re.search(r"[?&](mode=ro|immutable=1)\b", self._path):
            session.execute("pragma journal_mode = wal").fetchone()

    async def _in_thread(self, work: Callable[[Session], T], session: Session) -> T:
        """Run the work in a thread; if cancelled, interrupt it and return only once it has ended."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, _alone, work, session)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await session.interrupt(future)
            raise

    def _unused(self) -> Link | None:
        """Return a connection that is free. One whose file was deleted or replaced would write where nobody reads."""
        while self._idle:
            connection = self._idle.pop()
            if self._is_in_memory or connection.file == _identity(self._path):
                return connection
            connection.close()
        return None

    def _keep(self, connection: Link, query: str) -> None:
        is_clean = self._is_in_memory or not _changes_session(query)
        if is_clean and len(self._idle) < self._settings.idle_limit:
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


class Session:
    """A connection for one block, which works in a thread."""

    connection: Link

    def __init__(self) -> None:
        self.is_waiting = False
        """Whether a statement waits for the lock of another connection."""
        self._unwanted = threading.Event()

    def execute(self, statement: str, values: Sequence[object] | Mapping[str, object] = ()) -> sqlite3.Cursor:
        """Execute one statement as soon as the database is not locked. It had no effect when it found a lock."""
        while True:
            try:
                cursor = self.connection.execute(statement, values)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode not in _LOCKED:
                    raise
                self.is_waiting = True
                if self._unwanted.wait(_LOOK_AGAIN):
                    raise
            else:
                self.is_waiting = False
                return cursor

    def check(self) -> None:
        """Raise if the message is no longer wanted: an interrupt between two statements meets none of them."""
        if self._unwanted.is_set():
            raise errors.interrupted()

    async def interrupt(self, future: asyncio.Future[T]) -> None:
        # Invariant: a connection goes back only once its thread has left it, however often this task is cancelled.
        self._unwanted.set()
        while not future.done():
            self.connection.interrupt()
            try:
                await asyncio.wait([future], timeout=_INTERRUPT_AGAIN)
            except asyncio.CancelledError:
                continue
        if not future.cancelled():
            future.exception()  # retrieved, so that asyncio does not log it


def _whole(work: Callable[[Session], T]) -> Callable[[Session], T]:
    """Return the work as one transaction. It takes the lock at once: one that reads first might never get it later."""

    def whole(session: Session) -> T:
        session.execute("begin immediate")
        result = work(session)
        session.check()
        session.execute("commit")
        return result

    return whole


def _run_script(session: Session, script: Sequence[str]) -> int:
    """Execute the statements and return how many rows they changed."""
    before = session.connection.total_changes
    for statement in script:
        session.check()
        for _ in session.execute(statement):
            pass
    return session.connection.total_changes - before


def _alone(work: Callable[[Session], T], session: Session) -> T:
    """Do the work; a transaction that it leaves open is rolled back, and an error."""
    try:
        result = work(session)
        if session.connection.in_transaction:
            raise errors.left_open()
        return result
    finally:
        if session.connection.in_transaction:
            session.connection.rollback()


def _close_late(future: asyncio.Future[Link]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().close()


def connect(path: str) -> Link:
    """Return a connection that commits every statement by itself."""
    is_uri = path.startswith("file:")
    folder = Path(_file(path)).parent
    if not dsn.is_in_memory("sqlite", path) and not folder.is_dir():
        raise errors.unreachable(dsn.place("sqlite", path), f"the folder {str(folder)!r} does not exist")
    connection = sqlite3.connect(
        path, timeout=0, isolation_level=None, check_same_thread=False, uri=is_uri, factory=Link
    )
    try:
        connection.execute("pragma foreign_keys = on")
    except BaseException:
        connection.close()
        raise
    return connection


def _file(path: str) -> str:
    """Return the name of the file that a path or a `file:` URI means."""
    return unquote(urlsplit(path).path) if path.startswith("file:") else path


def _identity(path: str) -> tuple[int, int] | None:
    """Return which file has the name now, None if none has."""
    try:
        found = Path(_file(path)).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _names(cursor: sqlite3.Cursor) -> list[str]:
    names = [each[0] for each in cursor.description or ()]
    errors.check_columns(names)
    return names


def _row(names: Sequence[str], values: tuple[object, ...]) -> Row:
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


@functools.lru_cache(maxsize=1024)
def statements(script: str) -> tuple[str, ...]:
    """Return the statements of a script. SQLite itself says where one ends, also in a trigger with several."""
    found, start = [], 0
    for semicolon in re.finditer(";", script):
        if sqlite3.complete_statement(script[start : semicolon.end()]):
            found.append(script[start : semicolon.end()])
            start = semicolon.end()
    return tuple(each for each in (*found, script[start:]) if _first_word(each))


def _first_word(statement: str) -> str:
    return _FIRST_WORD.match(statement)[1].lower()  # type: ignore[index]  # it matches every text


_FIRST_WORD = re.compile(r"(?:[\s;]|--[^\n]*(?:\n|$)|/\*.*?(?:\*/|$))*(\w*)", re.DOTALL)
_CHANGING = {"insert", "replace", "update", "delete", "with"}
_OUTSIDE = {
    *("begin", "commit", "end", "rollback", "savepoint", "release"),  # the author's own transaction
    *("pragma", "vacuum", "attach", "detach"),  # which have no effect in one, or fail
}


@functools.lru_cache(maxsize=1024)
def _changes_session(query: str) -> bool:
    """Whether something of the query outlasts it in its connection: a pragma, a file, a temporary table, which hides
    the real one of its name.
    """
    return any(_first_word(each) in _SESSION or _TEMPORARY.search(each) for each in statements(query))


_SESSION = {"pragma", "attach", "detach"}
_TEMPORARY = re.compile(r"\bcreate\s+(?:temp\b|temporary\b|[^(]*?\btemp\s*\.)", re.IGNORECASE)


def _changes(query: str) -> bool:
    """Whether a query that returns rows changes something."""
    return _first_word(query) in _CHANGING and effect_of(query) != "safe"


# --- errors ------------------------------------------------------------------------------------------------------

_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY, sqlite3.SQLITE_LOCKED_SHAREDCACHE}
"""Locks that will be free. Not SQLITE_BUSY_SNAPSHOT: a transaction that read something old can never write."""

_WORLD_CODES = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM}


def _translated(error: sqlite3.Error, where: str) -> OctoError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if "one statement at a time" in str(error):
        return Permanent("several statements need `exec: true`, and no `args`", code=codes.BAD_QUERY)
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
