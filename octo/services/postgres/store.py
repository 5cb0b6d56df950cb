"""The database as all services see it: statements, groups of calls, bells, and the tasks behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from hashlib import blake2b

from octo.core.beside import beside
from octo.services.bells import Ear
from octo.services.chores import Chores
from octo.services.postgres import links, schema, sweep
from octo.services.postgres.address import Address
from octo.services.postgres.links import Links
from octo.services.postgres.notices import ANSWER, POLL, Notices


class Store:
    """See the module; made by `opened`."""

    def __init__(self, connections: Links, notices: Notices, chores: Chores) -> None:
        self.rows = connections.rows
        self.tasks = chores.tasks
        self.spawn = chores.spawn
        self.health = notices.trouble.health
        self._notices = notices

    def ring(self, name: str) -> None:
        """Wake who waits under this name, in any process."""
        self._notices.ring(name)

    def listening(self, name: str) -> AbstractContextManager[Ear]:
        """Listen to what happens under this name. It rings every few seconds at least, whatever happens."""
        return self._notices.bells.listening(name)


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
    async with links.pooled(address, patience) as connections:
        notices = Notices(address, connections.renew, poll, answer)
        async with beside(notices.live()), beside(sweep.live(connections)), Chores() as chores:
            yield Store(connections, notices, chores)
