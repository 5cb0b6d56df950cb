"""A store from its begin to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
    server = Link(address, patience, poll, answer)
    try:
        async with asyncio.TaskGroup() as background, asyncio.TaskGroup() as tasks:
            store = Store(server, tasks)
            living = [
                background.create_task(server.live(store)),
                background.create_task(sweep.live(store)),
            ]
            try:
                await server.begun
                yield store
            finally:
                store.close()
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
