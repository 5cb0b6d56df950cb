"""Call one flow of a configuration: no source starts, and only the connectors that its blocks use are opened."""

from __future__ import annotations

import asyncio

from octo.config.documents import Config
from octo.config.part import part, unfed
from octo.core.deadline import Deadline
from octo.core.errors import Timeout
from octo.core.flow import Ending, Outcome, ending
from octo.core.message import Message
from octo.engine.connections import Connections
from octo.engine.events import Bus
from octo.engine.generation import Generation
from octo.engine.observe import NOBODY, Observer
from octo.services.container import Services, entered


async def invoke(
    config: Config,
    flow: str,
    message: Message,
    timeout: float,
    observer: Observer = NOBODY,
    services: Services | None = None,
) -> Ending:
    """Run `message` through `flow` within `timeout` seconds, watched by `observer`.

    services: those that connectors and blocks can ask for; by default those in memory, new ones for each call.

    One-way calls of the flow are waited for, within the same time. Raises `Failure`, `Timeout`, or `StartError` when a
    connector does not open.
    """
    needed = part(unfed(config, ()), [flow])
    time = asyncio.get_running_loop().time
    end = time() + timeout
    try:
        async with entered(services) as given, asyncio.timeout_at(end), asyncio.TaskGroup() as tasks:
            connections = Connections(tasks, services=given)
            generation = Generation(needed, connections, Bus(), tasks, observer=observer)
            await generation.open()
            try:
                result = generation.flows[flow].call(message)
                if isinstance(result, Outcome):
                    return ending(result)
                # Blocks see the deadline, so that none begins a wait that cannot end in time.
                return await Deadline(f'flow "{flow}"', timeout, end).of(result, is_last=True)
            finally:
                await generation.drain(max(0.0, end - time()))
    except TimeoutError:
        raise Timeout(f'flow "{flow}" did not finish within {timeout:g}s') from None
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
