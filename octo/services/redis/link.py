"""The connection that calls go over: those that come while some are under way go together in the next pipeline.

A connection that did not answer as expected is closed at once, never waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from redis.asyncio import Connection, SSLConnection

from octo.services.grouping import Grouped
from octo.services.redis import errors
from octo.services.redis.address import Address
from octo.services.redis.scripts import Script

PATIENCE = 10.0
"""Seconds that the server may take to answer the calls of a pipeline."""

Argument = bytes | str | int


class _Call(NamedTuple):
    script: Script
    arguments: tuple[Argument, ...]


class Link:
    """See the module; made by `opened`."""

    def __init__(self, address: Address, tasks: asyncio.TaskGroup, patience: float) -> None:
        self._address = address
        self._patience = patience
        self._connection: Any = None
        self._is_stale = False
        self._calls: Grouped[_Call, Any] = Grouped(tasks, self._run)

    async def call(self, script: Script, *arguments: Argument) -> Any:
        """Run a script; returns its result.

        Raises `NotConnected` if the server did not get it, and `Transient` if it failed or did not answer in time;
        then it may have been done. Who stops waiting does not stop the call.
        """
        return await self.ask(script, *arguments)

    def ask(self, script: Script, *arguments: Argument) -> asyncio.Future[Any]:
        """The same, for a caller that must know what became of a call it no longer waits for."""
        size = sum(len(each) for each in arguments if isinstance(each, bytes))
        return self._calls.ask(_Call(script, arguments), size)

    def renew(self) -> None:
        """Use the connection that is open now for no other call: it may lead nowhere, or to the wrong server."""
        self._is_stale = True

    async def close(self) -> None:
        """Close the connection at once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    # --- a group of calls ------------------------------------------------------------------------------------------

    async def _run(self, calls: Sequence[_Call]) -> list[Any]:
        connection = await self._connected()
        try:
            async with asyncio.timeout(self._patience):
                results = await self._sent(connection, calls)
                await self._taught(connection, calls, results)
        except BaseException as error:
            await self.close()
            if isinstance(error, errors.FAILURES):
                raise errors.failed(self._address.where, error) from error
            raise
        return [self._failed(each) if isinstance(each, Exception) else each for each in results]

    async def _connected(self) -> Any:
        """The connection, opened anew if it is stale or was closed by the other side."""
        if self._connection is not None and (self._is_stale or await _is_closed(self._connection)):
            await self.close()
        if self._connection is None:
            self._connection = await connected(self._address)
            self._is_stale = False
        return self._connection

    async def _sent(self, connection: Any, calls: Sequence[_Call]) -> list[Any]:
        prefix = self._address.prefix
        commands = [("EVALSHA", call.script.sha, 0, prefix, *call.arguments) for call in calls]
        return await exchange(connection, commands)

    async def _taught(self, connection: Any, calls: Sequence[_Call], results: list[Any]) -> None:
        """Do again what the server did not do, because it does not know the script: it has started since."""
        unknown = [place for place, each in enumerate(results) if errors.is_unscripted(each)]
        if unknown:
            texts = {calls[place].script.text for place in unknown}
            await exchange(connection, [("SCRIPT", "LOAD", text) for text in texts])
            again = await self._sent(connection, [calls[place] for place in unknown])
            for place, result in zip(unknown, again, strict=True):
                results[place] = result

    def _failed(self, error: Exception) -> Exception:
        if errors.is_elsewhere(error):
            self.renew()
        made = errors.failed(self._address.where, error)
        made.__cause__ = error
        return made


async def exchange(connection: Any, commands: Sequence[tuple[Argument, ...]]) -> list[Any]:
    """Send commands in one go; returns a reply for each, or the error that the server gave instead."""
    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    replies: list[Any] = []
    for _ in commands:
        try:
            replies.append(await connection.read_response())
        except errors.ANSWERS as error:
            replies.append(error)
    return replies


async def connected(address: Address) -> Any:
    """A connection. Raises `NotConnected` if there is none in time. No call is ever sent twice by the driver."""
    kind: type[Connection] = Connection
    more: dict[str, Any] = {}
    if address.tls:
        kind = SSLConnection
        more = {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": address.ca or None}
    connection = kind(
        host=address.host,
        port=address.port,
        db=address.database,
        username=address.user or None,
        password=address.password or None,
        protocol=2,
        socket_timeout=None,
        socket_connect_timeout=address.connect,
        socket_keepalive=True,
        client_name="octo",
        **more,
    )
    try:
        async with asyncio.timeout(address.connect):
            await connection.connect()  # type: ignore[no-untyped-call]
    except BaseException as error:
        await connection.disconnect(nowait=True)
        if isinstance(error, errors.FAILURES):
            raise errors.not_connected(address.where, error, tls=address.tls) from error
        raise
    return connection


async def _is_closed(connection: Any) -> bool:
    """Whether the other side has closed it, or it holds what nobody asked for."""
    look = getattr(connection, "can_read", None) or connection.can_read_destructive  # before redis-py 8
    try:
        return not connection.is_connected or await look()
    except errors.FAILURES:
        return True


@asynccontextmanager
async def opened(address: Address, tasks: asyncio.TaskGroup, patience: float = PATIENCE) -> AsyncIterator[Link]:
    """A link; its connection is opened when needed. tasks: runs its calls."""
    link = Link(address, tasks, patience)
    try:
        yield link
    finally:
        await link.close()
