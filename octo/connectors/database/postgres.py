"""PostgreSQL through asyncpg: a pool that survives restarts of the server and cancels what takes too long.

Invariants:
- After a query, its connection goes back to the pool healthy, or it is closed.
- What a query changes in its session (`SET`, its role, temporary tables, advisory locks) is undone before the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from octo.connectors.database import dsn, errors, prepared
from octo.connectors.database.codecs import teach
from octo.connectors.database.driver import Driver, Row
from octo.connectors.database.meter import Meter
from octo.connectors.database.settings import MOST_BYTES, Connection
from octo.connectors.database.statements import effect_of
from octo.connectors.database.translate import ASYNCPG_ERRORS, translated
from octo.connectors.database.values import to_value
from octo.core.errors import OctoError, Permanent

T = TypeVar("T")

_CONNECT = 10.0
"""Seconds to open a connection, unless the DSN has `connect_timeout`."""

_CLEAN_UP = 5.0
"""Seconds that the server may take to confirm the cancellation of a query; then its connection is given up."""

_MOMENT = 0.25
"""Seconds that a message which failed waits until its connection can be used again."""

_FAREWELL = 0.5
"""Seconds that the server may take to say goodbye when the connector is closed."""

_STATEMENTS = 100
"""Statements that a connection keeps prepared; the one that was not used for the longest time is dropped."""

_STATEMENT = 60
"""Seconds after which a statement is prepared again: types of a table that another program changed, and that still take
the values, are not used for longer."""

_IDLE = 300.0
"""Seconds after which an unused connection is closed."""


class _Link(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    __slots__ = ("known", "meter", "opened", "touched")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.meter = Meter(self._protocol, self._transport)
        self.opened = asyncio.get_running_loop().time()
        self.touched = False
        self.known: dict[str, prepared.Prepared] = {}

    def touch(self) -> None:
        """Note that the session must be reset. This is a method because the pool returns proxies."""
        self.touched = True


class Postgres:
    """An open pool."""

    def __init__(self, pool: Any, settings: Connection, where: str, releasing: asyncio.TaskGroup) -> None:
        self._pool = pool
        self._settings = settings
        self._where = where
        self._releasing = releasing
        self._leaving = 0

    @property
    def is_busy(self) -> bool:
        return bool(self._pool.get_idle_size() == 0 and self._pool.get_size() >= self._pool.get_max_size())

    async def fetch(self, query: str, args: Sequence[object], limit: int, most: int = MOST_BYTES) -> list[Row]:
        async def work(connection: Any) -> list[Row]:
            records = await prepared.rows(connection, query, args, limit + 1)
            if len(records) > limit:
                raise errors.too_many_rows(limit)
            return [_row(each) for each in records]

        return await self._block(query, work, most)

    async def first(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> Row | None:
        async def work(connection: Any) -> Row | None:
            records = await prepared.rows(connection, query, args, 1)
            return _row(records[0]) if records else None

        return await self._block(query, work, most)

    async def execute(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> int:
        async def work(connection: Any) -> int:
            # Without arguments the simple protocol is used, which allows several statements, in one transaction.
            status = await (prepared.status(connection, query, args) if args else connection.execute(query))
            count = status.rpartition(" ")[2]
            return int(count) if count.isdigit() else 0

        if not _first_word(query):
            return 0  # nothing but a comment, which asyncpg cannot execute
        return await self._block(query, work, most)

    async def ping(self) -> None:
        async with self._connection("select") as connection:
            await connection.execute("select 1")

    async def _block(self, query: str, work: Callable[[Any], Awaitable[T]], most: int) -> T:
        """Do the work of a block, with a result of at most `most` bytes: all of it, or nothing remains."""
        if _copies(query):
            raise errors.copies()
        async with self._connection(query) as connection:
            with connection.meter.limited(most):
                result = await self._done(connection, query, work)
            protocol = getattr(connection, "_protocol", None)  # it has none once it is closed
            if protocol is not None and protocol.is_in_transaction():
                raise errors.left_open()
            return result

    async def _done(self, connection: Any, query: str, work: Callable[[Any], Awaitable[T]]) -> T:
        """Do the work, and once more if it met an outdated type."""
        try:
            return await _attempt(connection, query, work)
        except (Permanent, *ASYNCPG_ERRORS) as error:
            if not await prepared.is_outdated(connection, query, error, is_one=not _changes_session(query)):
                raise
            prepared.forget(self._pool)
            return await _attempt(connection, query, work)
        finally:
            if _changes_schema(query):
                prepared.forget(self._pool)

    @asynccontextmanager
    async def _connection(self, query: str) -> AsyncIterator[Any]:
        """A connection of the pool until the deadline. Errors inside are raised as Octo's."""
        connection = None
        deadline = asyncio.timeout(self._settings.timeout)
        try:
            async with deadline:
                connection = await self._pool.acquire()
                ends = self._end_of(connection, query)
                if _changes_session(query):
                    connection.touch()
                try:
                    yield connection
                except BaseException:
                    await self._give_up(connection, ends)
                    raise
                await self._release(connection, ends)
        except TimeoutError:
            raise self._timed_out(connection, deadline.expired()) from None
        except (*ASYNCPG_ERRORS, ValueError, OSError) as error:
            raise translated(error, self._where, connected=connection is not None) from error

    async def _give_up(self, connection: Any, ends: float) -> None:
        """Release the connection of a query that failed. What that takes longer than a moment goes on by itself: a
        server that does not answer must not delay the answer to the message.
        """

        async def release() -> None:
            # Whatever asyncpg says of a connection that may be cut at any time must not end the others.
            with contextlib.suppress(Exception):
                await self._release(connection, ends)

        await asyncio.wait([self._releasing.create_task(release())], timeout=_MOMENT)

    def _end_of(self, connection: Any, query: str) -> float:
        """Return when the connection is to be closed, in the loop's time. One with statements of `prepare` is not kept:
        to drop them would drop those of asyncpg as well.
        """
        if _changes_session(query) and "prepare" in query.lower():
            return 0.0
        lifetime = self._settings.lifetime
        return connection.opened + lifetime if lifetime else math.inf

    async def _release(self, connection: Any, ends: float) -> None:
        """Give the connection back; close it when it is old or there are enough idle ones."""
        # asyncpg replaces a broken connection itself; its errors here say nothing new.
        with contextlib.suppress(*ASYNCPG_ERRORS, OSError):
            try:
                await self._clean(connection, ends)
            finally:
                self._leaving += 1
                try:
                    await self._pool.release(connection, timeout=_CLEAN_UP)
                finally:
                    self._leaving -= 1

    async def _clean(self, connection: Any, ends: float) -> None:
        protocol = getattr(connection, "_protocol", None)  # it has none once it is closed
        if protocol is not None and protocol._is_cancelling():  # noqa: SLF001
            # Only then it is known whether a `begin` that was cancelled has begun a transaction.
            await protocol._wait_for_cancellation(_CLEAN_UP)  # noqa: SLF001
        is_old = asyncio.get_running_loop().time() > ends
        if is_old or self._pool.get_idle_size() + self._leaving >= self._settings.idle_limit:
            await connection.close(timeout=_CLEAN_UP)
        elif connection.is_in_transaction():
            await connection.execute("rollback", timeout=_CLEAN_UP)

    def _timed_out(self, connection: Any, expired: bool) -> OctoError:
        seconds = self._settings.timeout or 0.0
        if connection is not None:
            return errors.too_slow(seconds) if expired else errors.unreachable(self._where, "no answer")
        if expired and self._pool.get_size() >= self._pool.get_max_size():
            return errors.exhausted(self._pool.get_max_size(), seconds)
        return errors.not_connected(self._where, "no answer in time")


@asynccontextmanager
async def open_driver(settings: Connection) -> AsyncIterator[Driver]:
    """A pool whose first connection works; the others are opened when needed."""
    text = settings.dsn.get_secret_value()
    where = dsn.place("postgres", text)
    url, connect_timeout = dsn.postgres_url(text)
    try:
        pool = asyncpg.create_pool(
            url,
            password=settings.secret or None,
            min_size=0,
            max_size=settings.open_limit,
            max_inactive_connection_lifetime=_IDLE,
            max_cached_statement_lifetime=_STATEMENT,
            statement_cache_size=_STATEMENTS if settings.prepare else 0,
            connection_class=_Link,
            init=teach,
            reset=_clean_session,
            timeout=connect_timeout or _CONNECT,
        )
        await pool
    except (*ASYNCPG_ERRORS, ValueError, OSError) as error:
        raise translated(error, where, connected=False) from None
    async with _tasks() as releasing:
        try:
            postgres = Postgres(pool, settings, where, releasing)
            await postgres.ping()
            yield postgres
        finally:
            await _close(pool)


@asynccontextmanager
async def _tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises the error of its body as it is, not as a group of one."""
    failed = None
    async with asyncio.TaskGroup() as group:
        try:
            yield group
        except Exception as error:  # noqa: BLE001  raised below
            failed = error
    if failed:
        raise failed


async def _close(pool: Any) -> None:
    try:
        async with asyncio.timeout(_FAREWELL):
            await pool.close()
    except (TimeoutError, *ASYNCPG_ERRORS, OSError):
        pool.terminate()


async def _attempt(connection: Any, query: str, work: Callable[[Any], Awaitable[T]]) -> T:
    """Do the work. Several statements without arguments and single statements are transactions by themselves.

    Only where a row could still fail the block when the server has committed, a transaction of our own is worth two
    more round trips.
    """
    if not _writes_and_returns(query):
        return await work(connection)
    await connection.execute("begin")
    try:
        result = await work(connection)
    except Exception:
        with contextlib.suppress(*ASYNCPG_ERRORS, OSError):
            await connection.execute("rollback")
        raise
    await connection.execute("commit")
    return result


_RESET = "reset session authorization; reset role; discard temp"
"""What `reset all` leaves: whose rights the session has, and temporary tables, which hide real ones of their names."""


async def _clean_session(connection: Any) -> None:
    """Reset the session if needed, as a reset costs a round trip. The pool calls this before a connection is free."""
    if connection.touched:
        await connection.execute(f"{_RESET}; {connection.get_reset_query()}")
        connection.touched = False


_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*(\w*)", re.DOTALL)
_ORDINARY = {"select", "insert", "update", "delete", "with", "values", "table", "merge"}


@functools.lru_cache(maxsize=1024)
def _first_word(query: str) -> str:
    found = _FIRST_WORD.match(query)
    assert found
    return found[1].lower()


@functools.lru_cache(maxsize=1024)
def _changes_session(query: str) -> bool:
    """Whether the query may change its session."""
    text = query.lower()
    is_ordinary = _first_word(query) in _ORDINARY and ";" not in text.rstrip().rstrip(";")
    return not is_ordinary or any(each in text for each in ("set_config", "advisory", "into temp"))


@functools.lru_cache(maxsize=1024)
def _writes_and_returns(query: str) -> bool:
    return not _changes_session(query) and effect_of(query) != "safe" and _RETURNS.search(query) is not None


@functools.lru_cache(maxsize=1024)
def _copies(query: str) -> bool:
    """Whether the query exchanges data with its client by `copy`, beside the rows."""
    return _changes_session(query) and _COPIES.search(query) is not None


_COPIES = re.compile(r"\bcopy\b[^;]*\b(?:from\s+stdin|to\s+stdout)\b", re.IGNORECASE)
_RETURNS = re.compile(r"\breturning\b|^\W*(?:select|with)\b", re.IGNORECASE)
_SCHEMA = re.compile(r"\b(?:alter|create|drop|import)\b", re.IGNORECASE)


@functools.lru_cache(maxsize=1024)
def _changes_schema(query: str) -> bool:
    return _changes_session(query) and _SCHEMA.search(query) is not None


def _row(record: Any) -> Row:
    return {name: to_value(value) for name, value in record.items()}
