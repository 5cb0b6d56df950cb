"""An offer as a server: the SDK's own client, of both revisions, gets what was offered."""

from __future__ import annotations

import asyncio

import mcp_types as types
import pytest
from mcp import Client, MCPError

from octo.ai.mcp.serving.called import outcome
from octo.ai.mcp.serving.offer import Argument, Offer, Prompt, Resource, Shape, Tool
from octo.ai.mcp.serving.server import PAGE, server_of
from octo.core.message import Message

MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])


def tool(name, run, **more) -> Tool:
    return Tool(name, f"The tool {name}.", Shape.of({"properties": {"n": {"type": "number"}}}), run, **more)


def offer(**more) -> Offer:
    return Offer("test", "1", **more)


@MODES
async def test_a_client_lists_and_calls(mode):
    double = tool("double", lambda message: message.with_body(message.body["n"] * 2))
    async with Client(server_of(offer(tools=[double])), mode=mode) as client:
        listed = await client.list_tools()
        result = await client.call_tool("double", {"n": 4})
        wrong = await client.call_tool("double", {"n": "four"})

    assert [each.name for each in listed.tools] == ["double"]
    assert result.content[0].text == "8"
    assert wrong.is_error


@MODES
async def test_a_client_reads_and_gets(mode):
    resource = Resource("docs://{name}", "doc", lambda message: message.with_body(message.body), is_template=True)
    prompt = Prompt("p", lambda message: message.with_body(f"Hello {message.body['who']}"), arguments=[Argument("who")])
    async with Client(server_of(offer(resources=[resource], prompts=[prompt])), mode=mode) as client:
        read = await client.read_resource("docs://a")
        made = await client.get_prompt("p", {"who": "Ada"})

    assert read.contents[0].text == '{"name":"a"}'
    assert made.messages[0].content.text == "Hello Ada"


@pytest.mark.parametrize(
    "path", ["..%2F..%2Fetc%2Fpasswd", "a%2F..%2F..%2Fkeys", "..%5C..%5Cx", "%2Fetc%2Fpasswd", "a%00", "%2e%2e"]
)
async def test_no_value_of_a_template_leads_out_of_a_folder(path):
    """Whatever it is written as, and no other template gets it either."""
    read = [
        Resource(f"docs://{{{name}}}", name, lambda message: message.with_body("read"), is_template=True)
        for name in ("name", "+path")
    ]
    async with Client(server_of(offer(resources=read))) as client:
        with pytest.raises(MCPError, match="unknown resource"):
            await client.read_resource(f"docs://{path}")
        assert (await client.read_resource("docs://a%2Fb..c")).contents[0].text == "read"


@MODES
async def test_long_lists_come_in_pages(mode):
    tools = [tool(f"t{number}", lambda message: message) for number in range(PAGE + 1)]
    async with Client(server_of(offer(tools=tools)), mode=mode) as client:
        first = await client.list_tools()
        second = await client.list_tools(cursor=first.next_cursor)
        with pytest.raises(MCPError):
            await client.list_tools(cursor="nonsense")

    assert (len(first.tools), len(second.tools), second.next_cursor) == (PAGE, 1, None)


async def _elicit(context, params):
    return types.ElicitResult(action="accept", content={"name": "Ada"})


@MODES
async def test_a_client_is_asked(mode):
    """A tool asks by the revision of its client: with a result that asks, or with a request of its own."""
    form = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    request = {"method": "elicitation/create", "params": {"message": "Name?", "requestedSchema": form}}

    def ask(message: Message) -> Message:
        answers = message.vars["mcp"]["answers"]
        if "who" not in answers:
            return message.with_var("mcpAsked", {"who": request})
        return message.with_body(answers["who"]["content"]["name"])

    server = server_of(offer(tools=[tool("ask", ask)]))
    async with Client(server, mode=mode, elicitation_callback=_elicit) as client:
        result = await client.call_tool("ask", {})

    assert result.content[0].text == '"Ada"'


@MODES
async def test_a_tool_that_asks_for_ever_is_ended(mode):
    request = {
        "method": "elicitation/create",
        "params": {"message": "?", "requestedSchema": {"type": "object", "properties": {}}},
    }
    endless = tool("endless", lambda message: message.with_var("mcpAsked", {"who": request}))
    async with Client(server_of(offer(tools=[endless])), mode=mode, elicitation_callback=_elicit) as client:
        if mode == "legacy":
            assert (await client.call_tool("endless", {})).is_error
        else:
            with pytest.raises(Exception, match=r"round|limit|exceed"):
                await client.call_tool("endless", {})


@MODES
async def test_what_the_protocol_does_not_know_is_not_asked(mode):
    request = {"method": "elicitation/create", "params": {"message": "?", "requestedSchema": {"type": "array"}}}
    wrong = tool("wrong", lambda message: message.with_var("mcpAsked", {"who": request}))
    async with Client(server_of(offer(tools=[wrong])), mode=mode, elicitation_callback=_elicit) as client:
        result = await client.call_tool("wrong", {})

    assert (result.is_error, result.content[0].text) == (True, "the tool 'wrong' failed: an internal error")


@MODES
async def test_a_call_that_is_cancelled_cancels_its_chain(mode):
    began, ended = asyncio.Event(), asyncio.Event()

    async def wait(message: Message) -> Message:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return message

    async with Client(server_of(offer(tools=[tool("wait", wait)])), mode=mode) as client:
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(client.call_tool("wait", {}))
            await began.wait()
            call.cancel()
        await ended.wait()


@MODES
async def test_what_is_no_content_is_a_failure(mode):
    def wrong(message: Message) -> Message:
        return message.with_var("mcpContent", "no list")

    async with Client(server_of(offer(tools=[tool("t", wrong)], prompts=[Prompt("p", wrong)])), mode=mode) as client:
        result = await client.call_tool("t", {})
        with pytest.raises(MCPError, match="the prompt 'p' failed: an internal error"):
            await client.get_prompt("p")

    assert (result.is_error, result.content[0].text) == (True, "the tool 't' failed: an internal error")


async def test_the_message_of_a_chain_is_its_own():
    message = await outcome("it", lambda message: message.with_body(1), Message())

    assert message.body == 1
