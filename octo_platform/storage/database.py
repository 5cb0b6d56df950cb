"""The database of the platform: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import Connection, Dialect, Engine, QueuePool, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError, TimeoutError as NoTurn
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

_WRITES = "octo_writes"
_LOOKS = "octo_looks"
_THREADS = 4

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds that somebody waits for a turn to write on SQLite, and once more for another process that writes."""

LOCK: dict[str, Any] = {"key_share": True}
"""How rows are locked that will be changed: others may still refer to them. A stronger lock makes deadlocks."""


STAYS: dict[str, Any] = {"read": True, "key_share": True}
"""How rows are locked that must not go before something refers to them."""


class Away(OperationalError):
    """The database cannot be reached, or lets nobody in."""


class Database:
    """Sessions that read, and sessions that write.

    A writing session of SQLite takes the lock of the file at its beginning (`BEGIN IMMEDIATE`): one that reads first
    and then writes would be refused if another has written in between, and no waiting helps.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writer = engine.execution_options(**{_WRITES: True})
        self._looker = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._plain = _plain(engine.url.database or "") if self.is_sqlite else None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="octo-database")
        self._reading = async_sessionmaker(engine, expire_on_commit=False)
        self._writing = async_sessionmaker(self._writer, expire_on_commit=False)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session whose changes are never kept. All its queries see one state on SQLite."""
        async with self._reading() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction: committed at the end, rolled back if an exception leaves it.

        Raises `sqlalchemy.exc.TimeoutError` if others write for longer than `PATIENCE`.
        """
        async with self._alone(), self._writing() as session, session.begin():
            yield session

    async def look(self, work: Callable[[Connection], T]) -> T:
        """Run queries that only read, without a transaction around them, and return what the work returns.

        On SQLite it runs in a thread: from statement to statement the way there and back takes longer than they do.
        """
        if self._plain is None:
            async with self._looker.connect() as connection:
                return await connection.run_sync(work)
        return await self._in_thread(self._plain.execution_options(**{_LOOKS: True}).connect, work)

    async def change(self, work: Callable[[Connection], T]) -> T:
        """Run a transaction, and return what the work returns; what it raises rolls it back."""
        async with self._alone():
            if self._plain is None:
                async with self._writer.begin() as connection:
                    return await connection.run_sync(work)
            return await self._in_thread(self._plain.execution_options(**{_WRITES: True}).begin, work)

    async def _in_thread(
        self, begun: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]
    ) -> T:
        def run() -> T:
            with begun() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def close(self) -> None:
        await self.engine.dispose()
        await asyncio.to_thread(self._threads.shutdown)
        if self._plain is not None:
            self._plain.dispose()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """A turn to write. On SQLite writers of this process take turns: those that wait in SQLite would poll."""
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turn.acquire()
        except TimeoutError:
            raise NoTurn("others have written for too long") from None
        try:
            yield
        finally:
            self._turn.release()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[AsyncConnection]:
        """A transaction in which tables may be changed.

        SQLite changes most of a table by making another one. With foreign keys on, to drop the old one deletes its
        rows, and with them all that refer to them, so they are off, and checked at the end. Raises IntegrityError.
        """
        async with (
            self._writer.connect() as connection,
            _unchecked(connection, is_sqlite=self.is_sqlite),
            connection.begin(),
        ):
            yield connection
            if self.is_sqlite and (broken := (await connection.execute(text("PRAGMA foreign_key_check"))).first()):
                raise IntegrityError("a row refers to nothing", tuple(broken), ValueError(broken[0]))


@asynccontextmanager
async def _unchecked(connection: AsyncConnection, *, is_sqlite: bool) -> AsyncIterator[None]:
    """Foreign keys are off; in the middle of a transaction that cannot be said any more."""
    if not is_sqlite:
        yield
        return
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, aiosqlite.Connection)
    await driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        await driver.execute("PRAGMA foreign_keys=ON")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Open the database at a SQLAlchemy URL, `sqlite+aiosqlite:///…` or `postgresql+asyncpg://…`."""
    if place := make_url(url).database if url.startswith("sqlite") else None:
        _close_to_others(Path(place))
    database = Database(_engine(url))
    try:
        yield database
    finally:
        await database.close()


def url_of(place: str) -> str:
    """SQLAlchemy's URL of a place as users write it: `sqlite:PATH`, a path, or `postgresql://…`.

    Raises ValueError that says what is taken.
    """
    if place.startswith(("postgres://", "postgresql://")):
        url = make_url(place).set(drivername="postgresql+asyncpg")
        query = dict(url.query)
        if mode := query.pop("sslmode", None):
            query["ssl"] = mode  # asyncpg's own name
        return url.set(query=query).render_as_string(hide_password=False)
    if "://" in place:
        raise ValueError("the database is `sqlite:PATH` or `postgresql://USER@HOST/DATABASE`")
    return f"sqlite+aiosqlite:///{Path(place.removeprefix('sqlite:')).absolute()}"


def _close_to_others(place: Path) -> None:
    """Let only this user read the file, whatever folder it is in. SQLite gives what lies beside it the same rights."""
    with suppress(OSError):  # SQLite says better what is wrong; and a file of somebody else stays as it is
        os.close(os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        for each in (place, place.with_name(f"{place.name}-wal"), place.with_name(f"{place.name}-shm")):
            if each.exists():
                each.chmod(0o600)


def _engine(url: str) -> AsyncEngine:
    if url.startswith("sqlite"):
        file = make_url(url).database or ""
        engine = create_async_engine(url, async_creator=lambda: _Released(file), hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _tune)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine
    engine = create_async_engine(
        url, pool_size=10, max_overflow=10, pool_pre_ping=True, pool_timeout=10, hide_parameters=True
    )
    event.listen(engine.sync_engine, "do_connect", _connected)
    return engine


def _plain(file: str) -> Engine:
    """An engine for threads. No error that it raises has values, which the log would show."""
    engine = create_engine(
        "sqlite://", creator=partial(_file, file), poolclass=QueuePool, pool_size=_THREADS, hide_parameters=True
    )
    event.listen(engine, "connect", _tune)
    event.listen(engine, "begin", _begin)
    return engine


def _connected(dialect: Dialect, record: object, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:  # noqa: ARG001
    """A connection. What keeps the driver from making one is an error of SQLAlchemy, as everything later is."""
    driver: Any = dialect.loaded_dbapi  # an adapter; what it adapts raises its own while it connects
    try:
        connection = dialect.connect(*arguments, **options)
    except (OSError, driver.asyncpg.PostgresError) as error:
        raise Away("connect", None, error) from error
    _notice_death(connection)
    return connection


def _notice_death(connection: Any) -> None:
    """Let a server that is gone without a word be noticed in half a minute: the system takes a quarter of an hour."""
    transport = connection._connection._transport  # noqa: SLF001  nothing public leads to it
    wire = transport.get_extra_info("socket")
    for level, name, value in (
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 15),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
        (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 30_000),
    ):
        with suppress(OSError, AttributeError):  # a unix socket, or a system without
            wire.setsockopt(level, getattr(socket, name), value)


def _file(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)


class _Released(aiosqlite.Connection):
    """A connection that gives its locks back when it is closed, whatever was under way.

    A statement that nobody has read to its end keeps SQLite from really closing a connection until Python collects it.
    SQLAlchemy closes one in the middle of a transaction whenever a task is cancelled, and until then no other writer
    would have a turn.
    """

    def __init__(self, file: str) -> None:
        super().__init__(partial(_file, file), iter_chunk_size=64)
        self._thread.daemon = True  # a process that ends waits for no query

    def stop(self) -> asyncio.Future[Any] | None:
        if (connection := self._connection) is not None:
            self._tx.put_nowait((None, connection.rollback))
        return super().stop()

    async def close(self) -> None:
        if self._connection is not None:
            self._tx.put_nowait((None, self._connection.rollback))
        await super().close()


def _tune(connection: Any, record: object) -> None:  # noqa: ARG001
    cursor = connection.cursor()
    for each in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={PATIENCE * 1000:.0f}"):
        cursor.execute(f"PRAGMA {each}")
    cursor.close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get(_LOOKS):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITES) else "BEGIN")
