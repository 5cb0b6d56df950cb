"""Run flows inside a test: YAML in, messages in, outcomes out.

async with running(FLOW) as app:
    outcome = await app.call("greet", {"name": "Ada"})
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from octo.builtin import plugins as all_plugins
from octo.config.documents import Config
from octo.config.load import load, parse
from octo.config.part import stubbed
from octo.core.flow import Ending
from octo.core.message import NO_VARS, Message
from octo.core.plugins import Plugins
from octo.core.settings import Settings
from octo.engine.connections import Connections
from octo.engine.events import Bus, FlowEvent
from octo.engine.flow import FlowInlet
from octo.engine.generation import Generation
from octo.engine.moving import Resume
from octo.engine.observe import NOBODY, Observer
from octo.services.container import Services, entered


class App:
    """A running configuration. events: every flow event so far, in order."""

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
    ) -> Ending:
        """Run a message through a flow as a push source would; raises as `Inlet.call` does."""
        result = FlowInlet(self.generation.flows[flow]).call(Message(body, vars), timeout)
        return result if isinstance(result, Ending) else await result

    def connector(self, name: str) -> Any:
        """The opened connector of that name."""
        return self.generation.instances[name]

    def kinds(self, flow: str) -> list[str]:
        """The kinds of the events of one flow, in order."""
        return [event.kind for event in self.events if event.flow == flow]


@asynccontextmanager
async def running(  # noqa: PLR0913  what a process is made of
    text: str | Path,
    plugins: Plugins | None = None,
    environ: Mapping[str, str] | None = None,
    drain: float = 5.0,
    observer: Observer = NOBODY,
    *,
    components: Iterable[object] = (),
    stubs: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    services: Services | None = None,
    resume: Resume = "own",
) -> AsyncIterator[App]:
    """The configuration in `text`, running, with its sources; leaving the context drains and closes it.

    text: the configuration itself, or the path of its file or folder, which has its resources beside it.
    plugins: the components that flows may use; by default all that are built in or installed.
    components: further connector classes and block functions that flows may use.
    stubs: by name of the connector, its stub, as a test file writes it under `stubs:`.
    services: the services for connectors, sources and blocks; by default new ones in memory for each call.
    environ: the environment variables that the configuration sees; those of the process stay hidden.
    resume: where messages of a journal go on that began with other flow files; see `octo run --resume`.
    drain: seconds that messages in flight have to finish when the context is left.
    """
    known = (all_plugins() if plugins is None else plugins).joined(Plugins.of(components))
    seen = environ or {}
    config = load(text, known, seen) if isinstance(text, Path) else parse(text, known, seen)
    bus = Bus()
    async with entered(services) as given, _tasks() as tasks:
        config = stubbed(config, {name: _stub(config, name, spec) for name, spec in stubs.items()})
        generation = Generation(config, Connections(tasks, given), bus, tasks, observer=observer, resume=resume)
        await generation.open()
        try:
            await generation.feed()
            yield App(generation, bus)
        finally:
            await generation.starve()
            await generation.drain(drain)


@asynccontextmanager
async def _tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises a single error as itself: a test expects `Failure`, not a group that contains one."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from None


def _stub(config: Config, name: str, spec: Mapping[str, object]) -> Settings:
    if name not in config.connectors:
        raise LookupError(f"no connector is named {name!r}, so it cannot have a stub")
    type_ = config.connectors[name].type
    if type_.stub is None:
        raise LookupError(f"{name!r} is a {type_.name!r} connector, which has no stub")
    return type_.stub.settings.model_validate(spec)
