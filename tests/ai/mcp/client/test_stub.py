"""A server that a test writes: its tools and results, while allow-lists, checks and limits are real."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from octo.ai.mcp.client import McpClient, codes
from octo.ai.mcp.client.settings import Server
from octo.ai.mcp.client.stub import Stub
from octo.core.errors import Permanent, Timeout, Transient
from octo.core.flow import Failure
from octo.testing import running
from tests.ai.injections import MARK, TOOL_DESCRIPTIONS, TOOL_OUTPUTS

FLOW = """
connectors:
  - {name: shop, type: mcp-client, settings: {url: "https://tools.test/mcp", MORE}}
flows:
  - name: call
    process:
      - {connector: shop, type: BLOCK, settings: SETTINGS}
"""


async def called(stub, settings, body=None, *, block="mcp-call", more="timeout: 1s"):
    text = FLOW.replace("MORE", more).replace("BLOCK", block).replace("SETTINGS", settings)
    async with running(text, stubs={"shop": stub}) as app:
        try:
            return (await app.call("call", body)).body
        except Failure as failure:
            raise failure.cause from None


def stubbed(stub, **settings):
    written = Server.model_validate({"url": "https://tools.test/mcp", **settings})
    return McpClient.stub(written, Stub.model_validate(stub))


async def test_the_first_result_that_fits_is_given():
    stub = {
        "results": [
            {"tool": "price", "arguments": {"item": "tea"}, "text": "2.50", "times": 1},
            {"tool": "price", "when": 'arguments.item == "rum"', "value": {"cents": 900}},
            {"tool": "price", "text": "unknown"},
        ]
    }
    async with stubbed(stub) as client:
        found = [(await client.call("price", {"item": each})).content for each in ("tea", "tea", "rum")]

    assert found == ["2.50", "unknown", '{"cents":900}']


async def test_a_call_without_a_result_says_which_is_the_nearest():
    stub = {"results": [{"tool": "price", "arguments": {"item": "tea"}, "text": "2.50"}]}

    with pytest.raises(
        Permanent, match=r"no result for price with .*the nearest is answer 1 .price., but its"
    ) as caught:
        await called(stub, "{tool: price, arguments: body}", {"item": "rum"})
    assert caught.value.code == codes.NO_ANSWER


async def test_arguments_allow_lists_and_limits_are_real():
    stub = {
        "tools": [{"name": "price", "input": {"type": "object", "required": ["item"]}}],
        "results": [{"tool": "price", "text": "x" * 3000}, {"tool": "buy", "text": "bought"}],
    }
    more = "tools: {allow: [price]}, maxResultBytes: 2048"

    for settings, code in (
        ("{tool: price, arguments: '{}'}", codes.BAD_ARGUMENTS),
        ("{tool: buy}", codes.NO_TOOL),
        ("{tool: price, arguments: '{\"item\": 1}'}", codes.TOO_LARGE),
    ):
        with pytest.raises(Permanent) as caught:
            await called(stub, settings, more=more)
        assert caught.value.code == code


async def test_an_error_of_the_tool_of_the_server_and_of_time():
    stub = {
        "results": [
            {"tool": "a", "text": "sold out", "isError": True},
            {"tool": "b", "error": "away"},
            {"tool": "c", "error": "timeout"},
        ]
    }
    for tool, kind, text in (("a", Permanent, "sold out"), ("b", Transient, "away"), ("c", Timeout, "longer than 1s")):
        with pytest.raises(kind, match=text):
            await called(stub, f"{{tool: {tool}}}")


async def test_a_question_is_asked_and_its_answer_checked():
    schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}
    stub = {"results": [{"tool": "drop", "text": "gone", "questions": [{"name": "q", "schema": schema}]}]}
    answer = "{tool: drop, onInput: [{type: set-payload, settings: {value: 'ANSWER'}}]}"

    assert await called(stub, answer.replace("ANSWER", '{"q": {"sure": true}}')) == "gone"
    with pytest.raises(Permanent, match="/sure: must be a boolean"):
        await called(stub, answer.replace("ANSWER", '{"q": {"sure": 1}}'))
    with pytest.raises(Permanent, match="asks for input") as caught:
        await called(stub, "{tool: drop}")
    assert caught.value.vars["questions"][0]["schema"] == schema
    assert await called(stub, "{tool: drop, answers: body}", {"q": {"sure": True}}) == "gone"


async def test_resources_and_prompts():
    stub = {"resources": [{"uri": "a://b", "text": "t"}], "prompts": [{"name": "p", "text": "say"}]}

    assert await called(stub, "{uri: body}", "a://b", block="mcp-read") == "t"
    assert await called(stub, "{prompt: p}", block="mcp-prompt") == [{"role": "user", "text": "say"}]
    with pytest.raises(Permanent, match="the stub has no resource 'a://c'; it has: a://b"):
        await called(stub, "{uri: body}", "a://c", block="mcp-read")
    with pytest.raises(Permanent, match="the stub has no prompt 'q'; it has: p"):
        await called(stub, "{prompt: q}", block="mcp-prompt")


async def test_a_server_full_of_injections_is_data():
    """What it says reaches who asks, and nothing follows it: no other call, no error, no change of a tool."""
    tools = [{"name": name, "description": text} for name, text in TOOL_DESCRIPTIONS.items()]
    stub = {"tools": tools, "results": [{"text": each, "times": 1} for each in TOOL_OUTPUTS]}
    async with stubbed(stub, approval=["*"]) as client:
        offers = await client.tools()
        answers = [await client.call(offers[0].tool.name, {}) for _ in TOOL_OUTPUTS]

    assert len(offers) == len(tools)
    assert all(each.needs_approval for each in offers)
    assert all(MARK in each.content for each in answers)
    assert json.loads(answers[1].content)["ok"] is True


def test_a_result_is_one_thing():
    with pytest.raises(ValidationError, match="with `error` there is no result: remove the rest"):
        Stub.model_validate({"results": [{"tool": "a", "error": "away", "text": "t"}]})
