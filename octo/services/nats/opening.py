"""A store from its begin to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from octo.core.beside import beside
from octo.services.chores import Chores
from octo.services.nats import link, sweep
from octo.services.nats.address import Address
from octo.services.nats.link import Link
from octo.services.nats.store import Store


@asynccontextmanager
async def opened(
    address: Address, *, patience: float = link.PATIENCE, poll: float = link.POLL, answer: float = link.ANSWER
) -> AsyncIterator[Store]:
    """The store at this address; its streams are created if there are none. Raises what says why it cannot be used.

    patience, poll, answer: see `link`.
    """
    server, chores = Link(address, patience, poll, answer), Chores()
    store = Store(server, chores)
    async with beside(server.live(store)), beside(sweep.live(store)), chores:
        await server.begun
        yield store
