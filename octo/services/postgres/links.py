"""Connections to the database: a pool, each statement of which ends in time, and one connection that listens.

A connection whose statement did not end as expected is closed at once, never waited for: a server that does not answer
would not answer a question whether the statement was cancelled either.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from octo.services.postgres import errors
from octo.services.postgres.address import Address

PATIENCE = 10.0
"""Seconds that a call may take: to get a connection, and for the server to answer."""
_FAREWELL = 1.0
"""Seconds that the server may take to say goodbye."""
_IDLE = 300.0
"""Seconds after which an unused connection is closed."""

_NEVER = 1 << 60
"""Queries after which a connection is closed: that may hang, and nothing in it wears out."""

_SESSION = """
SET search_path TO "{schema}";
SET default_transaction_isolation TO 'read committed';
SET default_transaction_read_only TO off;
SET client_min_messages TO warning;
SET lock_timeout TO 0;
SET statement_timeout TO '{patience}ms';
SET idle_in_transaction_session_timeout TO '60s';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
"""What every session needs, whatever is usual in this database. What was acknowledged must be on disk."""


class Links:
    """See the module; made by `opened`. patience: see `PATIENCE`."""

    def __init__(self, pool: Any, address: Address, patience: float) -> None:
        self._pool = pool
        self._address = address
        self._patience = patience

    async def rows(self, query: str, *arguments: object) -> list[Any]:
        """Run one statement, which is a transaction by itself; returns its rows.

        Raises `NotConnected` if the server did not get it, and `Transient` if it failed or did not end in time; then
        it may have been done.
        """
        connection = None
        try:
            async with asyncio.timeout(self._patience), self._pool.acquire() as connection:
                return await _fetched(connection, query, arguments)
        except errors.FAILURES as error:
            if errors.is_standby(error) or isinstance(error, TimeoutError):
                await self.renew()
            made = errors.not_connected if connection is None else errors.failed
            raise made(self._address.where, error) from error

    async def renew(self) -> None:
        """Use no connection that is open now for another statement: where one leads nowhere, the others may, too."""
        await self._pool.expire_connections()


async def _fetched(connection: Any, query: str, arguments: tuple[object, ...]) -> list[Any]:
    try:
        return await connection.fetch(query, *arguments)  # type: ignore[no-any-return]
    except asyncpg.PostgresError:
        raise  # an answer: the connection is as good as before, or the driver knows that it is closed
    except BaseException:
        connection.terminate()
        raise


@asynccontextmanager
async def pooled(address: Address, patience: float = PATIENCE) -> AsyncIterator[Links]:
    """A pool; its connections are opened when needed."""
    session = _SESSION.format(schema=address.schema, patience=round(patience * 1000))

    async def prepare(connection: Any) -> None:
        await connection.execute(session)

    async def keep(_: Any) -> None:
        """Nothing changes a session, so nothing must be reset, which would cost a round trip per statement."""

    try:
        pool = asyncpg.create_pool(
            address.dsn,
            min_size=0,
            max_size=address.connections,
            max_inactive_connection_lifetime=_IDLE,
            max_queries=_NEVER,
            init=prepare,
            reset=keep,
            timeout=address.connect,
            server_settings={"application_name": "octo"},
        )
        await pool
    except (*errors.FAILURES, ValueError) as error:
        raise errors.not_connected(address.where, error) from None
    try:
        yield Links(pool, address, patience)
    finally:
        try:
            async with asyncio.timeout(_FAREWELL):
                await pool.close()
        except errors.FAILURES:
            pool.terminate()


@asynccontextmanager
async def single(address: Address) -> AsyncIterator[Any]:
    """A connection of its own. Raises `NotConnected`; leaving it closes it at once."""
    try:
        async with asyncio.timeout(address.connect):
            connection = await asyncpg.connect(
                address.dsn, timeout=address.connect, server_settings={"application_name": "octo"}
            )
    except (*errors.FAILURES, ValueError) as error:
        raise errors.not_connected(address.where, error) from None
    try:
        yield connection
    finally:
        connection.terminate()
