"""The server as all services see it: scripts, bells, and the tasks behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

from octo.core.errors import Transient
from octo.services import codes
from octo.services.bells import Ear
from octo.services.redis import errors, link, server, sweep
from octo.services.redis.address import Address
from octo.services.redis.link import Link
from octo.services.redis.notices import ANSWER, POLL, Notices
from octo.services.redis.state import Memory


class Store:
    """See the module; made by `opened`. tasks: end before the connections do."""

    def __init__(self, connection: Link, notices: Notices, tasks: asyncio.TaskGroup) -> None:
        self.call = connection.call
        self.ask = connection.ask
        self._notices = notices
        self._tasks = tasks
        self._is_open = True

    async def health(self) -> None:
        """Return if the server gave a sign of life a moment ago; raise `Transient` if not."""
        if self._notices.trouble is not None:
            raise Transient(self._notices.trouble, code=codes.SERVER)

    def listening(self, name: str) -> AbstractContextManager[Ear]:
        """Listen to what happens under this name. It rings every few seconds at least, whatever happens."""
        return self._notices.bells.listening(name)

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Do the work in a task of the store, unless that is being closed."""
        if self._is_open:
            self._tasks.create_task(work)
        else:
            work.close()

    def close(self) -> None:
        """Take no more work."""
        self._is_open = False


@asynccontextmanager
async def opened(
    address: Address, *, patience: float = link.PATIENCE, poll: float = POLL, answer: float = ANSWER
) -> AsyncIterator[Store]:
    """The store at this address. Raises what says why it cannot be used.

    patience: see `link.PATIENCE`. poll, answer: see `notices`.
    """
    warnings = await _inspected(address)
    try:
        async with asyncio.TaskGroup() as calls, link.opened(address, calls, patience) as connection:
            memory = Memory(address)
            await memory.compare(connection)
            notices = Notices(address, connection, memory, poll, answer)
            notices.warn(warnings)
            async with asyncio.TaskGroup() as background:
                living = [background.create_task(notices.live()), background.create_task(sweep.live(connection))]
                try:
                    async with asyncio.TaskGroup() as tasks:
                        store = Store(connection, notices, tasks)
                        try:
                            yield store
                        finally:
                            store.close()
                finally:
                    for each in living:
                        each.cancel()
    except BaseExceptionGroup as group:
        raise _first(group) from None


async def _inspected(address: Address) -> list[str]:
    connection = await link.connected(address)
    try:
        async with asyncio.timeout(address.connect):
            return await server.inspect(connection, address)
    except errors.FAILURES as error:
        raise errors.not_connected(address.where, error) from error
    finally:
        await connection.disconnect(nowait=True)


def _first(group: BaseExceptionGroup) -> BaseException:
    """The error inside of groups of one."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
