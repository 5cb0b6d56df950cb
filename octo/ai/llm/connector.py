"""What the connectors of all providers have in common: how they start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from octo.ai.llm import prices, settings
from octo.ai.model import Prices, Wire
from octo.ai.script.settings import Script
from octo.core.errors import Permanent

if TYPE_CHECKING:
    from octo.ai.llm.wires.wired import Wired

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


@asynccontextmanager
async def scripted(
    given: S, model: str, script: Script, make: Callable[[S, Any], Wired], priced: str = ""
) -> AsyncIterator[tuple[Wire, Prices]]:
    """Yield the wire of a stub, and the provider's prices. Nothing is called, unless a cassette is recorded."""
    from octo.ai.script import stub

    @asynccontextmanager
    async def real() -> AsyncIterator[Wire]:
        async with wired(given, make) as (wire, _):
            yield wire

    known = await asyncio.to_thread(_known, given, priced)
    async with stub.scripted(script, model, given.answer, real) as wire:
        yield wire, known


def _opened(given: S, make: Callable[[S, Any], Wired], priced: str) -> tuple[Wired, Prices]:
    """In a thread: all that takes time, so that no message waits for it, and the loop does not either."""
    try:
        from octo.ai.llm.wires import clients, rehearsal
        from octo.core.json_schema import Schema

        Schema({"type": "integer"}).faults("")  # what blocks check answers and arguments of tools with
        clients.silence()
        kind = make, getattr(given, "api", "")
        if kind not in _rehearsed:
            _rehearsed.add(kind)
            asyncio.run(rehearsal.rehearse(lambda http: make(given, http)))
        return make(given, clients.client(given)), _known(given, priced)
    except ModuleNotFoundError as error:
        text = f"models need their libraries: pip install 'octo-flows[ai]' ({error.name} is missing)"
        raise Permanent(text) from None


_rehearsed: set[object] = set()
"""What this process has imported and built."""


def _known(given: settings.Provider, priced: str) -> Prices:
    return prices.listed(priced, given.model) if priced and given.prices is None else prices.unknown
