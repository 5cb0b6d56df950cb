"""The database as all services see it: statements, groups of calls, bells, and the tasks behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from hashlib import blake2b
from typing import Any

from octo.core.errors import Transient
from octo.services import codes
from octo.services.bells import Ear
from octo.services.postgres import links, schema, sweep
from octo.services.postgres.address import Address
from octo.services.postgres.links import Links
from octo.services.postgres.notices import ANSWER, POLL, Notices


class Store:
    """See the module; made by `opened`. tasks: end before the connections do."""

    def __init__(self, connections: Links, notices: Notices, tasks: asyncio.TaskGroup) -> None:
        self.rows = connections.rows
        self.tasks = tasks
        self._notices = notices
        self._is_open = True

    async def health(self) -> None:
        """Return if the server gave a sign of life a moment ago; raise `Transient` if not."""
        if self._notices.trouble is not None:
            raise Transient(self._notices.trouble, code=codes.SERVER)

    def ring(self, name: str) -> None:
        """Wake who waits under this name, in any process."""
        self._notices.ring(name)

    def listening(self, name: str) -> AbstractContextManager[Ear]:
        """Listen to what happens under this name. It rings every few seconds at least, whatever happens."""
        return self._notices.bells.listening(name)

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Do the work in a task of the store, unless that is being closed."""
        if self._is_open:
            self.tasks.create_task(work)
        else:
            work.close()

    def close(self) -> None:
        """Take no more work."""
        self._is_open = False


def lock_of(*names: str) -> int:
    """The number of the lock that stands for these names."""
    digest = blake2b("\0".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def bounded(seconds: float) -> float:
    """As many seconds, but no more than a moment of the server can be away."""
    return min(seconds, _CENTURY)


_CENTURY = 3.2e9


@asynccontextmanager
async def opened(
    address: Address, *, patience: float = links.PATIENCE, poll: float = POLL, answer: float = ANSWER
) -> AsyncIterator[Store]:
    """The store at this address; its tables are created if there are none. Raises what says why it cannot be used.

    patience: see `links.PATIENCE`. poll, answer: see `notices`.
    """
    await schema.prepare(address)
    try:
        async with links.pooled(address, patience) as connections, asyncio.TaskGroup() as background:
            notices = Notices(address, connections.renew, poll, answer)
            living = [
                background.create_task(notices.live()),
                background.create_task(sweep.live(connections)),
            ]
            try:
                async with asyncio.TaskGroup() as tasks:
                    store = Store(connections, notices, tasks)
                    try:
                        yield store
                    finally:
                        store.close()
            finally:
                for each in living:
                    each.cancel()
    except BaseExceptionGroup as group:
        raise _first(group) from None


def _first(group: BaseExceptionGroup) -> BaseException:
    """The error inside of groups of one."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
