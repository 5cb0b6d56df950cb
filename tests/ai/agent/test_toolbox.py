"""Tools of servers: allowed, approved, named and described; one that fails takes no other away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import pytest

from octo import Disconnected, Settings, Transient, connector
from octo.ai.agent import toolbox
from octo.ai.conversation import Tool
from octo.ai.tools import Answered, Offer
from octo.core.secrets import mask
from octo.services.container import Services
from octo.testing.harness import running
from tests.ai import injections
from tests.ai.fakes import CONNECTOR, FakeModel, calls


class Nothing(Settings):
    """No settings."""


SCHEMA: Mapping[str, Any] = {"type": "object", "required": ["q"], "properties": {"q": {"type": "string"}}}


@connector("shop", family="tools")
class Shop:
    """A server of tools."""

    def __init__(self) -> None:
        self.offers: list[Offer] = [Offer(Tool("search", "Search.", SCHEMA)), Offer(Tool("buy", "Buy.", SCHEMA), True)]
        self.fails: Exception | None = None
        self.answer = Answered("found")
        self.called: list[tuple[str, Mapping[str, Any]]] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing) -> AsyncIterator[Self]:
        del settings
        yield cls()

    async def tools(self) -> Sequence[Offer]:
        if self.fails is not None:
            raise self.fails
        return self.offers

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Answered:
        self.called.append((name, arguments))
        return self.answer


FLOW = f"""
{CONNECTOR[:-1]}, {{name: shop, type: shop}}, {{name: other, type: shop}}]
flows:
  - name: f
    process:
      - type: ai-agent
        connector: llm
        prompt: p
        mcp: %s
        tools: [{{name: own, description: d, process: []}}]
"""


@asynccontextmanager
async def app(servers: str, *script: Any) -> AsyncIterator[tuple[Any, FakeModel, Shop]]:
    async with running(FLOW % servers, components=[FakeModel, Shop]) as found:
        yield found, found.connector("llm").says(*script), found.connector("shop")


async def test_tools_of_servers_are_offered_and_called():
    async with app("[shop]", calls(("search", {"q": "x"})), "ok") as (found, model, shop):
        await found.call("f")

    assert [each.name for each in model.asks[0].tools] == ["own", "search", "buy"]
    assert shop.called == [("search", {"q": "x"})]
    assert "found" in model.asks[1].turns[-1].results[0].content


async def test_only_allowed_ones_are_offered_and_no_others_are_called():
    script = calls(("buy", {"q": "x"})), "ok"
    async with app("[{server: shop, allow: ['sea*']}]", *script) as (found, model, shop):
        await found.call("f")

    assert [each.name for each in model.asks[0].tools] == ["own", "search"]
    assert shop.called == []
    assert 'unknown tool "buy"' in model.asks[1].turns[-1].results[0].content


async def test_two_tools_of_one_name_are_told_apart():
    async with app("[shop, other]", calls(("other__search", {"q": "x"})), "ok") as (found, model, _):
        await found.call("f")
        assert found.connector("other").called == [("search", {"q": "x"})]

    assert [each.name for each in model.asks[0].tools] == ["own", "search", "buy", "other__search", "other__buy"]


async def test_arguments_are_checked_before_the_server_sees_them():
    async with app("[shop]", calls(("search", {"q": 1})), "ok") as (found, model, shop):
        await found.call("f")

    assert shop.called == []
    assert "/q" in model.asks[1].turns[-1].results[0].content


@pytest.mark.parametrize("error", [Transient("away"), Disconnected("gone")])
async def test_a_server_that_is_away_takes_away_no_tool(error):
    """Neither those of others nor, once it has offered some, its own."""
    script = calls(("own", {})), "ok", "ok"
    async with app("[shop, other]", *script) as (found, model, shop):
        shop.fails = error
        await found.call("f")

    assert [each.name for each in model.asks[0].tools] == ["own", "search", "buy"]


async def test_a_call_that_fails_is_an_answer():
    async with app("[shop]", calls(("search", {"q": "x"})), "ok") as (found, model, shop):
        shop.answer = Answered("no such thing", is_error=True)
        await found.call("f")

    result = model.asks[1].turns[-1].results[0]
    assert result.is_error
    assert "no such thing" in result.content


async def test_a_call_that_needs_approval_is_refused_where_nobody_can_give_it():
    async with app("[shop]", calls(("buy", {"q": "x"})), "ok") as (found, model, shop):
        await found.call("f")

    assert shop.called == []
    assert model.asks[1].turns[-1].results[0].content == '{"authorized":false,"reason":"closed"}'


async def test_an_agent_names_further_tools_that_need_approval():
    """Those that the connector names need it anyway; nobody answers here in time."""
    asking = (
        "prompt: p\n        memoryThreadId: '\"c\"'\n        authorizeId: '\"\"'\n        authorizeAllow: 'false'"
        "\n        authorizeTimeout: 0s\n        events: []"
    )
    text = (FLOW % "[{server: shop, approval: [sea*]}]").replace("prompt: p", asking)
    async with running(text, components=[FakeModel, Shop]) as found:
        model = found.connector("llm").says(calls(("search", {"q": "x"}), ("buy", {"q": "x"})), "no")
        await found.call("f")

    told = [each.content for each in model.asks[1].turns[-1].results]
    assert told == ['{"authorized":false,"reason":"timeout"}'] * 2


@pytest.mark.parametrize("text", injections.ALL)
async def test_what_servers_write_is_marked_as_data(text):
    async with app("[shop]", calls(("search", {"q": "x"})), "ok") as (found, model, shop):
        shop.offers = [Offer(Tool("search", text, SCHEMA))]
        shop.answer = Answered(text)
        await found.call("f")

    described = model.asks[1].tools[1].description
    assert injections.MARK not in injections.outside(described)
    assert injections.MARK in described
    assert injections.MARK not in injections.instructions(model.asks[1])


async def test_a_secret_does_not_reach_the_model_by_a_tool():
    mask("canary-5521-secret")
    async with app("[shop]", calls(("search", {"q": "x"})), "ok") as (found, model, shop):
        shop.offers = [Offer(Tool("search", "knows canary-5521-secret", SCHEMA))]
        shop.answer = Answered("it is canary-5521-secret")
        await found.call("f")

    assert "canary-5521" not in str(model.asks)
    assert len(re.findall("«secret", str(model.asks))) >= 2


async def test_a_schema_is_compiled_once_for_all_runs(monkeypatch):
    """A run has the tools of the one before, whose schemas take longer to compile than arguments to check."""
    compiled: list[object] = []
    make = toolbox.Schema
    monkeypatch.setattr(toolbox, "Schema", lambda schema: compiled.append(schema) or make(schema))
    toolbox._compiled.cache_clear()
    script = calls(("search", {"q": "a"})), "one", calls(("search", {"q": 1})), "two"
    async with app("[{server: shop, allow: [search]}]", *script) as (found, model, shop):
        await found.call("f")
        await found.call("f")

    assert compiled == [SCHEMA]
    assert shop.called == [("search", {"q": "a"})]
    assert "do not fit the schema" in model.asks[3].turns[-1].results[0].content


async def test_a_call_that_nobody_can_allow_is_refused_at_once():
    """The connector wants approval, and the agent says nothing of how an answer would come."""
    text = (FLOW % "[shop]").replace("prompt: p", "prompt: p\n        memoryThreadId: '\"c\"'")
    async with running(text, components=[FakeModel, Shop]) as found:
        model = found.connector("llm").says(calls(("buy", {"q": "tea"})), "no")
        await asyncio.wait_for(found.call("f"), 10)

    assert model.asks[1].turns[-1].results[0].content == '{"authorized":false,"reason":"closed"}'


async def test_a_call_of_a_server_that_is_allowed_after_a_restart_is_made():
    """The run that goes on with it has not asked the server yet for what it offers."""
    text = f"""
{CONNECTOR[:-1]}, {{name: shop, type: shop}}]
flows:
  - name: f
    process:
      - type: ai-agent
        connector: llm
        prompt: Help.
        memoryThreadId: '"c"'
        agentId: a
        authorizeId: body.?id.orValue("")
        authorizeAllow: "true"
        events: []
        mcp: [shop]
  - {{name: read, process: [{{type: read-agent-memory, threadId: '"c"', agentId: a}}]}}
"""
    async with Services() as services:
        async with running(text, components=[FakeModel, Shop], services=services) as found:
            found.connector("llm").says(calls(("buy", {"q": "tea"})))
            async with asyncio.TaskGroup() as tasks:
                first = tasks.create_task(found.call("f", {}))
                while not (waiting := (await found.call("read")).body["waiting"]):
                    await asyncio.sleep(0)
                first.cancel()
        async with running(text, components=[FakeModel, Shop], services=services) as found:
            found.connector("llm").says("bought")
            await found.call("f", {"id": waiting[0]["authorizationId"]})
            assert found.connector("shop").called == [("buy", {"q": "tea"})]
