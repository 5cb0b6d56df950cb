"""Run flows inside a test: YAML in, messages in, outcomes out.

async with running(YAML, plugins) as app:
    assert Message == type(await app.call("greet", {"name": "Ada"}))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from octo.config.load import parse
from octo.core.flow import Outcome
from octo.core.message import NO_VARS, Message
from octo.core.plugins import Plugins
from octo.engine.connections import Connections
from octo.engine.events import Bus, FlowEvent
from octo.engine.flow import FlowInlet, at_last
from octo.engine.generation import Generation
from octo.engine.observe import NOBODY, Observer


class App:
    """A running configuration. `events` lists every flow event so far, in order."""

    def __init__(self, generation: Generation, bus: Bus) -> None:
        self.generation = generation
        self.events: list[FlowEvent] = []
        bus.subscribe(self.events.append)

    async def call(
        self,
        flow: str,
        body: object = None,
        vars: Mapping[str, object] = NO_VARS,  # noqa: A002  the language's own word
        timeout: float | None = None,
    ) -> Outcome:
        """Run a message through a flow as a push source would; raises as `Inlet.call` does."""
        return await at_last(FlowInlet(self.generation.flows[flow]).call(Message(body, vars), timeout))

    def kinds(self, flow: str) -> list[str]:
        """The kinds of the events of one flow, in order."""
        return [event.kind for event in self.events if event.flow == flow]


@asynccontextmanager
async def running(
    text: str,
    plugins: Plugins,
    environ: Mapping[str, str] | None = None,
    drain: float = 5.0,
    observer: Observer = NOBODY,
) -> AsyncIterator[App]:
    """The configuration in `text`, running, sources included; drained and closed on leaving."""
    config = parse(text, plugins, environ or {})
    bus = Bus()
    async with asyncio.TaskGroup() as tasks:
        generation = Generation(config, Connections(tasks), bus, tasks, observer=observer)
        await generation.open()
        try:
            await generation.feed()
            yield App(generation, bus)
        finally:
            await generation.starve()
            await generation.drain(drain)
