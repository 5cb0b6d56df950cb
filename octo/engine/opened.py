"""Some flows of a configuration, open to be called: no source starts, and only the connectors they use are opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from octo.config.documents import Config
from octo.config.part import part, unfed
from octo.engine.connections import Connections
from octo.engine.events import Bus
from octo.engine.flow import Flow
from octo.engine.generation import Generation
from octo.services.container import Services


@asynccontextmanager
async def opened(
    config: Config, names: Iterable[str], services: Services, drain: float
) -> AsyncIterator[Mapping[str, Flow]]:
    """The flows by name, until the context is left: then what is under way has `drain` seconds to end.

    Raises `StartError` when a connector does not open.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            connections = Connections(tasks, services=services)
            generation = Generation(part(unfed(config, ()), names), connections, Bus(), tasks)
            await generation.open()
            try:
                yield generation.flows
            finally:
                await generation.drain(drain)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
