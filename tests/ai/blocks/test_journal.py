"""In a flow with a journal, what a model has answered is kept over the end of a process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from octo import connector
from octo.services.container import MEMORY, Services
from octo.testing.clock import virtual
from octo.testing.harness import running
from tests.ai.fakes import FakeModel, Fakes, calls
from tests.engine.lives import Effects, Life

PROMPT = """
connectors: [{name: llm, type: lasting-llm}]
flows:
  - name: work
    durability: journal
    process:
      - {type: ai-prompt, connector: llm, prompt: P.}
      - {type: act, what: "'did ' + body"}
"""

ROUTER = """
connectors: [{name: llm, type: lasting-llm}]
flows:
  - name: work
    durability: journal
    process:
      - type: ai-router
        connector: llm
        prompt: P.
        routes:
          - {name: a, description: A., process: [{type: act, what: "'one'"}, {type: act, what: "'two'"}]}
"""


RETRY = """
connectors: [{name: llm, type: lasting-llm}]
flows:
  - name: work
    durability: journal
    process:
      - type: ai-retry
        connector: llm
        prompt: P.
        process:
          - {type: set-payload, value: body.n + 1}
          - {type: act, what: "'one ' + string(body)"}
          - {type: act, what: "'two ' + string(body)"}
"""


class Both:
    """Two processes that run the same flow, one after the other, and their model."""

    def __init__(self, flow, *script):
        self.flow = flow
        self.effects = Effects()
        self.model = model = FakeModel().says(*script)

        @connector("lasting-llm", family="llm")
        class Lasting:
            """A model whose script goes on over the end of a process."""

            @classmethod
            @asynccontextmanager
            async def open(cls, settings: Fakes):
                del settings
                yield model

        self._components = [Lasting, self.effects.block()]

    @asynccontextmanager
    async def life(self, services):
        async with running(self.flow, services=services, components=self._components, drain=0.0) as app:
            yield Life(app, services)

    async def run(self, stuck):
        """End the first process while this is under way, and let the next go on."""
        self.effects.stuck.add(stuck)
        async with Services(MEMORY) as services:
            async with asyncio.TaskGroup() as tasks, self.life(services) as process:
                calling = tasks.create_task(process.call())
                await self.effects.at.wait()
            assert calling.cancelled()
            self.effects.stuck.clear()
            async with self.life(services) as process:
                await asyncio.sleep(60)
                assert await process.kept() == []


@virtual()
async def test_an_answer_that_has_come_is_not_asked_for_again():
    both = Both(PROMPT, "it", "something else")

    await both.run("did it")

    assert both.effects.names == ["began did it", "did it"]
    assert len(both.model.asks) == 1


@virtual()
async def test_a_router_is_asked_again_and_what_its_route_has_done_is_not_done_again():
    both = Both(ROUTER, *[calls(("select_route", {"route": "a"}))] * 2)

    await both.run("two")

    assert both.effects.names == ["one", "began two", "two"]
    assert len(both.model.asks) == 2


@virtual()
async def test_a_repair_is_asked_for_again_and_what_its_chain_has_done_is_not_done_again():
    both = Both(RETRY, *[calls(("revise_message", {"body": {"n": 1}}))] * 2)

    await both.run("two 2")

    assert both.effects.names == ["one 2", "began two 2", "two 2"]
    assert len(both.model.asks) == 2


@virtual()
async def test_a_repair_that_is_another_one_next_time_does_not_do_twice_what_was_done():
    """What has finished counts: the chain goes on with what it left, and not with the other revision."""
    both = Both(RETRY, *[calls(("revise_message", {"body": {"n": number}})) for number in (1, 7)])

    await both.run("two 2")

    assert both.effects.names == ["one 2", "began two 2", "two 2"]
