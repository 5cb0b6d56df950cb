"""Processes of a test that end in the middle of a message, and those that come after them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from octo.core.block import block
from octo.core.expressions import Expr
from octo.core.idempotency import idempotency_key
from octo.core.message import Message
from octo.core.settings import Settings
from octo.engine.flow import FlowInlet
from octo.engine.holding_inlet import HoldingInlet
from octo.services.container import MEMORY, Services
from octo.testing.harness import running

LINE = """
flows:
  - name: work
    durability: journal
    process:
      - {type: act, what: "'one'"}
      - {type: set-payload, settings: {value: "string(uuid())"}}
      - {type: act, what: "'two'"}
      - {type: act, what: "'three ' + body"}
"""


class Told(Settings):
    what: Expr[object]


class Effects:
    """What blocks have done, in order: each with its idempotency key."""

    def __init__(self):
        self.done = []
        self.stuck = set()
        self.failing = {}
        self.at = asyncio.Event()

    @property
    def names(self):
        return [name for name, _ in self.done]

    def key(self, name):
        return {key for each, key in self.done if each == name}

    def block(self):
        effects = self

        @block("act")
        async def act(settings: Told, message: Message) -> Message:
            """Do it, unless it is stuck or fails."""
            what = settings.what(message)
            if what in effects.stuck:
                effects.done.append((f"began {what}", idempotency_key()))
                effects.at.set()
                await asyncio.Event().wait()
            if what in effects.failing:
                effects.done.append((f"failed {what}", idempotency_key()))
                raise effects.failing[what]
            effects.done.append((what, idempotency_key()))
            return message.with_var("last", what)

        return act


class Life:
    """One process that runs the flow."""

    def __init__(self, app, services):
        self.app = app
        self._services = services

    async def call(self, body=None, flow="work"):
        """Hand a message to the flow as a push source does."""
        found = self.app.generation.flows[flow]
        return await HoldingInlet(found, FlowInlet(found)).call(Message(body))

    async def kept(self):
        """How much the journal holds."""
        store = self._services.opened["key-value"]
        return [name for each in ("journal", "journal-frames") for name in (await store.list(each)).names]


@asynccontextmanager
async def life(flow, effects, services, *, resume="own", drain=0.0):
    """A process, which ends at once when it is left, or has `drain` seconds to finish."""
    components = [effects.block()]
    async with running(flow, services=services, components=components, drain=drain, resume=resume) as app:
        yield Life(app, services)


async def cut_off(flow, effects, services, what, body=None):
    """Call the flow, and end the process while the effect is under way."""
    effects.stuck.add(what)
    async with asyncio.TaskGroup() as tasks, life(flow, effects, services) as process:
        calling = tasks.create_task(process.call(body))
        await effects.at.wait()
    assert calling.cancelled()
    effects.stuck.clear()
    effects.at.clear()


async def resumed(flow, effects, services, resume="own"):
    """The next process: what is left goes on by itself."""
    async with life(flow, effects, services, resume=resume) as process:
        await asyncio.sleep(60)
        assert await process.kept() == []


async def both(flow, what, body=None):
    """The effects of a process that ended at `what`, and of the one after it."""
    effects = Effects()
    async with Services(MEMORY) as services:
        await cut_off(flow, effects, services, what, body)
        await resumed(flow, effects, services)
    assert effects.key(f"began {what}") == effects.key(what), "what was under way is done with the same key"
    return effects
