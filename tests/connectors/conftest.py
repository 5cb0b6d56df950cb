"""Run a configuration whose connectors are stubs, as `octo test` does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from octo.config.load import parse
from octo.config.part import part, stubbed as with_stubs
from octo.connectors.pgvector import Pgvector, Table
from octo.core.flow import at_last
from octo.core.message import Message
from octo.core.trace import current
from octo.engine.connections import Connections
from octo.engine.events import Bus
from octo.engine.generation import Generation
from octo.services.container import Services
from octo.testing.postgres import PASSWORD, Postgres, with_vectors
from octo.testing.servers import Missing


class Stubbed:
    """Flows to call and sources to trigger."""

    def __init__(self, config, generation, bus):
        self.config = config
        self.generation = generation
        self.events = []
        bus.subscribe(self.events.append)

    async def call(self, flow, body=None, vars=None):
        """Return the outcome of a message. Raises `Failure`."""
        return await at_last(self.generation.flows[flow].call(Message(body, vars or {})))

    async def trigger(self, flow, **spec):
        """Trigger the flow's source and return its response."""
        source = self.config.flows[flow].source
        stub = self.config.connectors[source.connector].type.stub
        instance = self.generation.instances[source.connector]
        return await instance.trigger(source.settings, stub.trigger.model_validate(spec))

    def kinds(self, flow):
        return [event.kind for event in self.events if event.flow == flow]


@pytest.fixture
def stubbed(plugins):
    """Run a configuration with stubs by connector name; with `only`, just that flow."""

    @asynccontextmanager
    async def run(text, only=None, **stubs):
        config = parse(text, plugins, {})
        specs = {
            name: config.connectors[name.replace("_", "-")].type.stub.settings.model_validate(spec)
            for name, spec in stubs.items()
        }
        named = {name.replace("_", "-"): spec for name, spec in specs.items()}
        bus = Bus()
        async with Services() as services, asyncio.TaskGroup() as tasks:
            standing = with_stubs(config if only is None else part(config, [only]), named)
            generation = Generation(standing, Connections(tasks, services), bus, tasks)
            await generation.open()
            try:
                await generation.feed()
                yield Stubbed(config, generation, bus)
            finally:
                await generation.starve()
                await generation.drain(5.0)

    return run


class Recorder:
    """A span that remembers the calls to the outside."""

    traceparent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"

    def __init__(self):
        self.effects = []

    def effect(self, kind, details):
        self.effects.append((kind, details))


@pytest.fixture
def recorded():
    """The effects of all that the test does in its own task."""
    recorder = Recorder()
    token = current.set(recorder)
    yield recorder.effects
    current.reset(token)


@pytest.fixture(scope="session")
def vector_server():
    """A PostgreSQL that has pgvector."""
    try:
        with Postgres.started(with_vectors()) as server:
            yield server
    except Missing as error:
        pytest.skip(f"NOT TESTED: pgvector ({error})")


@pytest.fixture
def pgvector(vector_server):
    """Open the connector with a table of its own."""

    @asynccontextmanager
    async def open_table(**settings):
        given = {"dsn": vector_server.dsn, "password": PASSWORD, "table": f"t{uuid4().hex[:16]}", **settings}
        async with Pgvector.open(Table.model_validate(given)) as opened:
            yield opened

    return open_table
