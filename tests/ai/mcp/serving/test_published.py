"""Flows as tools: what they say of themselves is all that a client sees."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from mcp import Client

from octo.ai.mcp.serving.published import published
from octo.ai.mcp.serving.server import server_of
from octo.core.errors import Permanent
from octo.testing import running

FLOWS = """
flows:
  - name: find
    description: Find an order.
    input: {type: object, properties: {id: {type: string}}, required: [id]}
    process: [{type: set-payload, value: '{"found": body.id}'}]
  - name: double
    input: {type: number}
    process: [{type: set-payload, value: body * 2}]
  - name: slow
    process: [{type: delay, for: 1h}]
  - name: fails
    process: [{type: set-payload, value: body.missing.key}]
"""


@asynccontextmanager
async def published_flows():
    async with running(FLOWS) as app:
        offer = published("flows", "1", app.generation.flows.values(), 0.05, {"find"})
        async with Client(server_of(offer)) as client:
            yield client


async def test_descriptions_and_inputs_are_those_of_the_flows():
    async with published_flows() as client:
        tools = {each.name: each for each in (await client.list_tools()).tools}

    assert tools["find"].description == "Find an order."
    assert tools["find"].annotations.read_only_hint is True
    assert tools["double"].annotations is None
    assert tools["find"].input_schema["required"] == ["id"]
    assert tools["slow"].input_schema == {"type": "object", "properties": {}}


async def test_a_flow_that_takes_no_map_has_one_argument():
    async with published_flows() as client:
        tools = {each.name: each for each in (await client.list_tools()).tools}
        result = await client.call_tool("double", {"body": 4})
        wrong = await client.call_tool("double", {"body": "four"})

    assert tools["double"].input_schema["properties"] == {"body": {"type": "number"}}
    assert result.content[0].text == "8"
    assert wrong.is_error


@pytest.mark.parametrize(("name", "said"), [("slow", "it took too long"), ("fails", "an internal error")])
async def test_what_does_not_succeed_says_little(name, said):
    async with published_flows() as client:
        result = await client.call_tool(name, {"a": 1})

    assert (result.is_error, result.content[0].text) == (True, f"the tool '{name}' failed: {said}")


async def test_a_name_that_no_tool_can_have_is_refused():
    async with running("flows:\n  - {name: 'two words', process: []}\n") as app:
        with pytest.raises(Permanent, match="'two words' cannot be a tool"):
            published("flows", "1", app.generation.flows.values(), 1)
