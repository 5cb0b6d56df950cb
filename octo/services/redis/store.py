"""The server as all services see it: scripts, bells, and the tasks behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager

from octo.core.beside import beside
from octo.services.bells import Ear
from octo.services.chores import Chores
from octo.services.redis import errors, link, server, sweep
from octo.services.redis.address import Address
from octo.services.redis.link import Link
from octo.services.redis.notices import ANSWER, POLL, Notices
from octo.services.redis.state import Memory


class Store:
    """See the module; made by `opened`."""

    def __init__(self, connection: Link, notices: Notices, chores: Chores) -> None:
        self.call = connection.call
        self.ask = connection.ask
        self.health = notices.trouble.health
        self._notices = notices
        self.spawn = chores.spawn

    def listening(self, name: str) -> AbstractContextManager[Ear]:
        """Listen to what happens under this name. It rings every few seconds at least, whatever happens."""
        return self._notices.bells.listening(name)


@asynccontextmanager
async def opened(
    address: Address, *, patience: float = link.PATIENCE, poll: float = POLL, answer: float = ANSWER
) -> AsyncIterator[Store]:
    """The store at this address. Raises what says why it cannot be used.

    patience: see `link.PATIENCE`. poll, answer: see `notices`.
    """
    warnings = await _inspected(address)
    async with Chores() as calls, link.opened(address, calls.tasks, patience) as connection:
        memory = Memory(address)
        await memory.compare(connection)
        notices = Notices(address, connection, memory, poll, answer)
        notices.warn(warnings)
        async with beside(notices.live()), beside(sweep.live(connection)), Chores() as chores:
            yield Store(connection, notices, chores)


async def _inspected(address: Address) -> list[str]:
    connection = await link.connected(address)
    try:
        async with asyncio.timeout(address.connect):
            return await server.inspect(connection, address)
    except errors.FAILURES as error:
        raise errors.not_connected(address.where, error) from error
    finally:
        await connection.disconnect(nowait=True)
