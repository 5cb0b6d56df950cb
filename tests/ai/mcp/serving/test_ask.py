"""mcp-ask: a tool asks its client, and runs again with the answer; what a client sends back is not trusted."""

from __future__ import annotations

import pytest

from octo.core.flow import Failure
from octo.testing import running

FORM = '{"method": "elicitation/create", "params": {"message": "Name?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}}}'  # noqa: E501
ASKING = f"""
tools:
  - name: hello
    description: Greets.
    process:
      - {{type: mcp-ask, settings: {{requests: '{{"who": {FORM}}}'}}}}
      - {{type: set-payload, value: 'vars.mcpAnswers.who.content.name'}}
  - name: twice
    description: Asks twice.
    process:
      - {{type: mcp-ask, settings: {{requests: '{{"one": {FORM}}}'}}}}
      - {{type: set-variable, settings: {{name: one, value: vars.mcpAnswers.one.content.name}}}}
      - {{type: mcp-ask, settings: {{requests: '{{"two": {FORM}}}'}}}}
      - {{type: set-payload, value: 'vars.one + vars.mcpAnswers.two.content.name'}}
  - name: wrong
    description: Asks wrongly.
    process: [{{type: mcp-ask, settings: {{requests: '{{"a": {{"method": "no/such"}}}}'}}}}]
"""


def accepted(name: str, value: object) -> dict[str, object]:
    return {name: {"action": "accept", "content": {"name": value}}}


async def test_a_tool_goes_on_with_the_answer(router):
    async with router(ASKING) as client:
        asked = await client.modern("tools/call", {"name": "hello"})
        given = {"inputResponses": accepted("who", "Ada"), "requestState": asked["requestState"]}
        done = await client.modern("tools/call", {"name": "hello", **given})

    assert asked["resultType"] == "input_required"
    assert asked["inputRequests"]["who"]["params"]["message"] == "Name?"
    assert done["content"][0]["text"] == '"Ada"'


async def test_answers_of_earlier_rounds_come_back_sealed(router):
    async with router(ASKING) as client:
        first = await client.modern("tools/call", {"name": "twice"})
        given = {"inputResponses": accepted("one", "Ada"), "requestState": first["requestState"]}
        second = await client.modern("tools/call", {"name": "twice", **given})
        given = {"inputResponses": accepted("two", "Bob"), "requestState": second["requestState"]}
        done = await client.modern("tools/call", {"name": "twice", **given})

    assert [*second["inputRequests"]] == ["two"]
    assert "Ada" not in second["requestState"]
    assert done["content"][0]["text"] == '"AdaBob"'


@pytest.mark.parametrize(
    "change",
    [
        lambda call: call | {"requestState": call["requestState"] + "x"},
        lambda call: call | {"requestState": "made up"},
        lambda call: call | {"name": "twice"},
        lambda call: call | {"arguments": {"other": 1}},
    ],
)
async def test_state_that_was_changed_or_is_of_another_call_is_refused(router, change):
    async with router(ASKING) as client:
        asked = await client.modern("tools/call", {"name": "hello"})
        call = {"name": "hello", "inputResponses": accepted("who", "Ada"), "requestState": asked["requestState"]}
        error = await client.modern("tools/call", change(call))

    assert error["code"] == -32602


async def test_state_of_one_user_is_of_no_use_to_another(router):
    async with router(ASKING) as client:
        asked = await client.modern("tools/call", {"name": "hello"}, sub="ada")
        call = {"name": "hello", "inputResponses": accepted("who", "Ada"), "requestState": asked["requestState"]}
        error = await client.modern("tools/call", call, sub="eve")
        done = await client.modern("tools/call", call, sub="ada")

    assert error["code"] == -32602
    assert done["isError"] is False


async def test_processes_with_one_key_take_up_each_other_s_calls(router):
    settings = ASKING + "stateKey: 0123456789abcdef0123456789abcdef"
    async with router(settings) as one, router(settings) as other:
        asked = await one.modern("tools/call", {"name": "hello"})
        call = {"name": "hello", "inputResponses": accepted("who", "Ada"), "requestState": asked["requestState"]}
        done = await other.modern("tools/call", call)

    assert done["content"][0]["text"] == '"Ada"'


@pytest.mark.parametrize("answers", [{}, {"other": {"action": "accept"}}, accepted("who", 4), accepted("who", None)])
async def test_an_answer_that_does_not_fit_is_asked_for_again(router, answers):
    async with router(ASKING) as client:
        asked = await client.modern("tools/call", {"name": "hello", "inputResponses": answers})

    assert [*asked["inputRequests"]] == ["who"]


async def test_a_client_that_cannot_be_asked_is_told_what_it_lacks(router):
    async with router(ASKING) as client:
        error = await client.modern("tools/call", {"name": "hello"}, capabilities={"sampling": {}})
        older = await client.call("hello")

    assert (error["code"], error["data"]) == (-32021, {"requiredCapabilities": {"elicitation": {}}})
    assert older["isError"] is True
    assert "does not support" in older["content"][0]["text"]


async def test_a_malformed_request_is_a_failure_of_the_tool(router, caplog):
    async with router(ASKING) as client:
        result = await client.modern("tools/call", {"name": "wrong"})

    assert result["isError"] is True
    assert "OCTO-X102" in str([vars(each) for each in caplog.records])


async def test_outside_of_a_call_it_fails():
    flow = f"flows:\n  - name: f\n    process: [{{type: mcp-ask, settings: {{requests: '{{\"a\": {FORM}}}'}}}}]\n"
    async with running(flow) as app:
        with pytest.raises(Failure, match="no client of MCP has called this chain"):
            await app.call("f")
