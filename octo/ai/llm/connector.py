"""What the connectors of all providers have in common: how they start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from octo.ai.llm import prices, settings
from octo.ai.model import Prices

if TYPE_CHECKING:
    from octo.ai.llm.wires.bridge import Wired

S = TypeVar("S", bound=settings.Provider)


@asynccontextmanager
async def wired(given: S, make: Callable[[S, Any], Wired], priced: str = "") -> AsyncIterator[tuple[Wired, Prices]]:
    """Yield the wire of a provider, and its prices.

    make: imports the libraries and returns a wire over an HTTP client. priced: the provider in the list of prices.
    """
    wire, known = await asyncio.to_thread(_opened, given, make, priced)
    try:
        yield wire, known
    finally:
        await wire.close()


def _opened(given: S, make: Callable[[S, Any], Wired], priced: str) -> tuple[Wired, Prices]:
    """In a thread: all that takes time, so that no message waits for it, and the loop does not either."""
    from octo.ai.llm.wires import clients, rehearsal

    clients.silence()
    asyncio.run(rehearsal.rehearse(lambda http: make(given, http)))
    known = prices.listed(priced) if priced and given.prices is None else prices.unknown
    return make(given, clients.client(given)), known
