"""The data plane as all services see it: calls, its health, and the tasks behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from octo.core.beside import beside
from octo.core.errors import OctoError
from octo.services.chores import Chores
from octo.services.platform import PROVIDED, errors, link, parts
from octo.services.platform.address import Address
from octo.services.platform.link import Link
from octo.services.trouble import Trouble

VERSION = 1
"""Of the data plane, as `GET /data/v1/discovery` says it."""
POLL = 2.0
"""Seconds between two signs of life of the server."""
ANSWER = 3.0
"""Seconds that the server may take for a sign of life."""
LOOK = 20.0
"""Seconds for which the server waits for something to come, at most; then it is asked again."""
_CENTURY = 3.2e9


class Store:
    """See the module; made by `opened`."""

    def __init__(self, connection: Link, trouble: Trouble, chores: Chores) -> None:
        self.call = connection.call
        self.health = trouble.health
        self.tasks = chores.tasks
        self.spawn = chores.spawn


def bounded(seconds: float) -> float:
    """As many seconds, but no more than the server takes."""
    return min(seconds, _CENTURY)


@asynccontextmanager
async def opened(
    address: Address, *, patience: float = link.PATIENCE, poll: float = POLL, answer: float = ANSWER
) -> AsyncIterator[Store]:
    """The store at this address. Raises what says why it cannot be used.

    patience: see `link.PATIENCE`. poll, answer: see `POLL`, `ANSWER`.
    """
    async with link.opened(address, patience) as connection:
        await _check(connection)
        trouble = Trouble(address.where)
        async with beside(_live(connection, trouble, poll, answer)), Chores() as chores:
            yield Store(connection, trouble, chores)


async def _check(connection: Link) -> None:
    """Raise `Permanent` if the platform does not offer what the services need."""
    found = await connection.call("GET", "/discovery", {}, known=("not-found", ""), again=True)
    if found.problem is not None:
        if found.status == 404:
            raise errors.lacking(connection.where, "has no data plane that this Octo knows")
        raise errors.refused(connection.where, found.problem)
    told = parts.told(found.body)
    if told.get("version") != VERSION:
        raise errors.lacking(connection.where, f"has version {told.get('version')!r} of the data plane, not {VERSION}")
    if missing := sorted({*PROVIDED} - {*told.get("features", ())}):
        raise errors.lacking(connection.where, f"does not offer {', '.join(missing)}")


async def _live(connection: Link, trouble: Trouble, poll: float, answer: float) -> None:
    """Look for signs of life, until cancelled."""
    while True:
        await asyncio.sleep(poll)
        try:
            await connection.once("GET", "/discovery", {}, patience=answer)
        except OctoError as error:
            trouble.tell(str(error))
        else:
            trouble.tell(None)
