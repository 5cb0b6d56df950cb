"""PostgreSQL through asyncpg: a pool that survives restarts of the server and cancels what takes too long.

Invariants:
- After a query, its connection goes back to the pool healthy, or it is closed.
- What a query changes in its session (`SET`, an open transaction, advisory locks) is undone before the next query.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from octo.connectors.database import codes, dsn, errors
from octo.connectors.database.arguments import Parameter, fit
from octo.connectors.database.codecs import teach
from octo.connectors.database.driver import Driver, Row
from octo.connectors.database.settings import Connection
from octo.connectors.database.values import to_value
from octo.core.errors import OctoError, Permanent, Timeout, Transient

_CONNECT = 10.0
"""Seconds to open a connection, unless the DSN has `connect_timeout`."""

_CLEAN_UP = 5.0
"""Seconds that the server may take to confirm the cancellation of a query; then its connection is given up."""

_IDLE = 300.0
"""Seconds after which an unused connection is closed."""

_ASYNCPG_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class _Link(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    __slots__ = ("opened", "touched")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.opened = asyncio.get_running_loop().time()
        self.touched = False

    def touch(self) -> None:
        """Note that the session must be reset. This is a method because the pool returns proxies."""
        self.touched = True


class Postgres:
    """An open pool."""

    def __init__(self, pool: Any, settings: Connection, where: str) -> None:
        self._pool = pool
        self._settings = settings
        self._where = where
        self._leaving = 0
        self._parameters: dict[str, Sequence[Parameter]] = {}

    @property
    def is_busy(self) -> bool:
        return bool(self._pool.get_idle_size() == 0 and self._pool.get_size() >= self._pool.get_max_size())

    async def fetch(self, query: str, args: Sequence[object], limit: int) -> list[Row]:
        async with self._connection(query) as connection:
            values = await self._values(connection, query, args)
            # The only way to limit the rows without a transaction around each query; `fetchrow` does this with 1.
            rows = await connection._execute(query, values, limit + 1, None)  # noqa: SLF001
        if len(rows) > limit:
            raise errors.too_many_rows(limit)
        return [_row(each) for each in rows]

    async def first(self, query: str, args: Sequence[object]) -> Row | None:
        async with self._connection(query) as connection:
            row = await connection.fetchrow(query, *await self._values(connection, query, args))
        return None if row is None else _row(row)

    async def execute(self, query: str, args: Sequence[object]) -> int:
        async with self._connection(query) as connection:
            # Without arguments asyncpg uses the simple protocol, which allows several statements at once.
            values = await self._values(connection, query, args) if args else ()
            status = await connection.execute(query, *values)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def ping(self) -> None:
        async with self._connection("select") as connection:
            await connection.execute("select 1")

    async def _values(self, connection: Any, query: str, args: Sequence[object]) -> list[object]:
        """Return the arguments in the types that the server expects. It is asked for them once per query."""
        parameters = self._parameters.get(query)
        if parameters is None:
            parameters = (await connection.prepare(query)).get_parameters()
            self._parameters[query] = parameters
        try:
            return fit(parameters, args)
        except Permanent:
            # The table may have changed since: ask the server again for the next message.
            del self._parameters[query]
            raise

    @asynccontextmanager
    async def _connection(self, query: str) -> AsyncIterator[Any]:
        """A connection of the pool until the deadline. Errors inside are raised as Octo's."""
        connection = None
        deadline = asyncio.timeout(self._settings.timeout)
        try:
            async with deadline:
                connection = await self._pool.acquire()
                opened = connection.opened
                if _changes_session(query):
                    connection.touch()
                try:
                    yield connection
                finally:
                    await self._release(connection, opened)
        except TimeoutError:
            raise self._timed_out(connection, deadline.expired()) from None
        except (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
            ValueError,
            OSError,
        ) as error:
            raise translated(error, self._where, connected=connection is not None) from error

    async def _release(self, connection: Any, opened: float) -> None:
        """Give the connection back; close it when it is old or there are enough idle ones."""
        lifetime = self._settings.lifetime
        is_old = lifetime and asyncio.get_running_loop().time() - opened > lifetime
        # asyncpg replaces a broken connection itself; its errors here say nothing new.
        with contextlib.suppress(*_ASYNCPG_ERRORS, OSError):
            if is_old or self._pool.get_idle_size() + self._leaving >= self._settings.idle_limit:
                await connection.close(timeout=_CLEAN_UP)
            self._leaving += 1
            try:
                await self._pool.release(connection, timeout=_CLEAN_UP)
            finally:
                self._leaving -= 1

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
            connection_class=_Link,
            init=teach,
            reset=_clean_session,
            timeout=connect_timeout or _CONNECT,
        )
        await pool
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, OSError) as error:
        raise translated(error, where, connected=False) from None
    try:
        postgres = Postgres(pool, settings, where)
        await postgres.ping()
        yield postgres
    finally:
        await _close(pool)


async def _close(pool: Any) -> None:
    try:
        async with asyncio.timeout(_CLEAN_UP):
            await pool.close()
    except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        pool.terminate()


async def _clean_session(connection: Any) -> None:
    """Reset the session if needed, as a reset costs a round trip. The pool calls this before a connection is free."""
    if connection.touched:
        await connection.execute(connection.get_reset_query())
        connection.touched = False


_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*(\w*)", re.DOTALL)
_ORDINARY = {"select", "insert", "update", "delete", "with", "values", "table", "merge"}


@functools.lru_cache(maxsize=1024)
def _changes_session(query: str) -> bool:
    """Whether the query may change its session."""
    found = _FIRST_WORD.match(query)
    assert found
    text = query.lower()
    is_ordinary = found[1].lower() in _ORDINARY and ";" not in text.rstrip().rstrip(";")
    return not is_ordinary or "set_config" in text or "advisory" in text


def _row(record: Any) -> Row:
    return {name: to_value(value) for name, value in record.items()}


# --- errors ------------------------------------------------------------------------------------------------------

_LOGIN = ("28", "3D")
# The first entry that fits counts; PostgreSQL's appendix A lists the states.
_MEANING: tuple[tuple[tuple[str, ...], tuple[type[Permanent | Transient], str]], ...] = (
    # Cancelled by the server itself: its `statement_timeout`, or an administrator.
    (("57014",), (Timeout, codes.TOO_SLOW)),
    # The server ended the connection, or is out of memory, disk or connections.
    (("08", "57", "25P03", "53", "58"), (Transient, codes.LOST)),
    # Deadlock, serialization failure, lock not available.
    (("40", "55P03"), (Transient, codes.CONFLICT)),
    (("23",), (Permanent, codes.CONSTRAINT)),
    (("",), (Permanent, codes.BAD_QUERY)),
)
# asyncpg's message about an argument quotes its value; Octo's leaves it out.
_UNFIT = re.compile(r"invalid input for query argument \$(\d+): .* \((.*)\)\Z", re.DOTALL)

# asyncpg's texts about a type that it has no codec for.
_NO_CODEC = re.compile(r"\bno (?:decoder|encoder|codec)\b|missing codec|argument types")


def translated(error: Exception, where: str, *, connected: bool) -> OctoError:
    """Return an error of asyncpg as one of Octo's, by who must act."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        if connected and (isinstance(error, asyncpg.UnsupportedClientFeatureError) or _NO_CODEC.search(str(error))):
            text = f"{error}; cast the value to text in the query, or select its fields: `(value).name`"
            return Permanent(text, code=codes.BAD_QUERY)
        return _without_state(error, where, connected=connected)
    if found := _UNFIT.match(str(error)):
        reason = f"{found[2]}; or cast in the query, e.g. `$1::text::int4range`"
        return errors.bad_argument(int(found[1]), reason)
    text = _text(error, state)
    if not connected:
        return (errors.refused_login if state.startswith(_LOGIN) else errors.not_connected)(where, text)
    kind, code = next(meaning for states, meaning in _MEANING if state.startswith(states))
    return kind(text, code=code, vars={"sqlState": state})


def _without_state(error: Exception, where: str, *, connected: bool) -> OctoError:
    """Return an error that asyncpg or the operating system raised, not the server."""
    if isinstance(error, OSError | asyncpg.InternalClientError):
        if connected:
            return Transient(f"the connection to {where} broke: {error}", code=codes.LOST)
        return errors.not_connected(where, error)
    if isinstance(error, ValueError):
        # asyncpg: a value of a row that its codec cannot decode, or a DSN it cannot read.
        if connected:
            text = f"a value of the row cannot be read ({error}); cast it in the query, e.g. `value::text`"
            return Permanent(text, code=codes.BAD_QUERY)
        return errors.refused_login(where, "the `dsn` cannot be read")
    if "clos" in str(error) or "release" in str(error):
        return Transient(f"the connection to {where} was closed", code=codes.LOST)
    return Permanent(str(error), code=codes.BAD_QUERY)


def _text(error: Any, state: str) -> str:
    """Return the server's message with its detail and hint, on one line."""
    parts = [str(error.args[0] if error.args else error), getattr(error, "detail", None), getattr(error, "hint", None)]
    return f"{'; '.join(part for part in parts if part)} (SQLSTATE {state})"
