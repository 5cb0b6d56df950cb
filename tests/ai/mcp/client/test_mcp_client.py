"""What flows and agents do with a server: those of the official SDK, over sockets and pipes, in both revisions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from contextlib import asynccontextmanager

import pytest
from mcp_shop import Shop

from octo.ai.conversation import Attachment
from octo.ai.mcp.client import McpClient, codes
from octo.core.errors import Disconnected, NotConnected, Permanent, Timeout, Transient
from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine.connections import StartError
from octo.engine.flow import FlowInlet
from octo.testing import check_connector, running

FLOWS = """
connectors:
  - {name: shop, type: mcp-client, settings: SERVER}
flows:
  - name: call
    process:
      - {connector: shop, type: mcp-call, settings: CALL}
"""


@asynccontextmanager
async def flow(server, call, **more):
    text = FLOWS.replace("SERVER", json.dumps(server)).replace("CALL", call)
    async with running(text, **more) as app:
        yield app


async def failed(waiting):
    """The error that a flow fails with."""
    with pytest.raises(Failure) as caught:
        await waiting
    return caught.value.cause


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


# --- the promises of every connector -----------------------------------------------------------------------------


async def test_it_is_a_good_connector(url):
    blocks = {
        "mcp-call": {"tool": "greet", "arguments": '{"name": "Ada"}'},
        "mcp-read": {"uri": '"shop://hours"'},
        "mcp-prompt": {"prompt": "sell", "arguments": {"what": '"tea"'}},
    }
    stub = {"results": [{"tool": "greet"}], "resources": [{"uri": "shop://hours"}], "prompts": [{"name": "sell"}]}
    await check_connector(McpClient, {"url": url}, blocks=blocks, stub=stub)


# --- what an agent sees ------------------------------------------------------------------------------------------


async def test_an_agent_gets_the_tools_with_their_descriptions_and_schemas(client):
    offers = {each.tool.name: each.tool for each in await client.tools()}

    assert list(offers) == ["add", "greet", "fail", "wait", "picture", "book", "large", "variable"]
    assert offers["add"].description == "Add two numbers."
    assert offers["add"].input["required"] == ["a", "b"]


async def test_a_call_is_answered_with_text_and_files(client):
    assert (await client.call("greet", {"name": "Ada"})).content == "Hello, Ada!"
    assert json.loads((await client.call("add", {"a": 1, "b": 2})).content) == {"total": 3}

    answer = await client.call("picture", {})

    assert answer.content == "look\n[image, image/png]"
    assert answer.attachments == (Attachment("image/png", b"a picture"),)


async def test_a_model_hears_what_it_can_mend(client):
    """Wrong arguments, an unknown name, a tool that fails, a question: none of them ends the agent."""
    wrong = await client.call("add", {"a": 1, "b": "two"})
    unknown = await client.call("ad", {})
    broken = await client.call("fail", {})

    assert wrong.is_error
    assert "/b: must be a whole number" in wrong.content
    assert unknown.is_error
    assert "did you mean 'add'?" in unknown.content
    assert broken.is_error
    assert "Error executing tool fail" in broken.content


async def test_a_tool_may_want_approval(url, opened):
    async with opened(url=url, approval=["f*", "book"]) as client:
        wanted = [each.tool.name for each in await client.tools() if each.needs_approval]

    assert wanted == ["fail", "book"]


async def test_only_the_allowed_tools_are_there(url, opened):
    async with opened(url=url, tools={"allow": ["*a*"], "deny": ["fail"]}) as client:
        assert [each.tool.name for each in await client.tools()] == ["add", "wait", "large", "variable"]
        assert "has no tool 'fail'" in (await client.call("fail", {})).content
        assert "has no tool 'greet'" in (await client.call("greet", {"name": "Ada"})).content


async def test_a_long_text_is_cut_for_a_model(url, opened):
    async with opened(url=url, maxResultBytes=1024) as client:
        answer = await client.call("large", {"size": 5000})

    assert answer.content.startswith("x" * 1024 + "\n[cut: the result has 5000 bytes")


# --- the list of tools -------------------------------------------------------------------------------------------


async def test_the_list_is_fetched_once_however_many_ask(shop, url, revision, opened):
    async with opened(url=url, revision=revision) as client:
        await asyncio.gather(*(client.tools() for _ in range(20)))
        await client.call("add", {"a": 1, "b": 2})
        await client.tools()

    assert shop.calls["tools/list"] == 1


async def test_it_is_fetched_again_when_the_server_says_that_it_changed(shop, url, revision, opened):
    async with opened(url=url, revision=revision) as client:
        assert "subtract" not in [each.tool.name for each in await client.tools()]

        shop.server.add_tool(lambda a, b: a - b, name="subtract")

        async with asyncio.timeout(60):
            while "subtract" not in [each.tool.name for each in await client.tools()]:
                await shop.tell()  # again, as the client may not have listened yet
                await asyncio.sleep(0.02)


async def test_the_old_list_stays_if_it_cannot_be_fetched_again(shop, url, revision, opened, caplog):
    async with opened(url=url, revision=revision) as client:
        before = await client.tools()
        shop.breaks = "tools/list"
        client._link._session.shelf.outdate()

        assert await client.tools() == before

    assert "tools cannot be listed again; those of before stay" in caplog.text
    assert shop.calls["tools/list"] == 2


async def test_who_gives_up_waiting_for_the_list_takes_it_from_nobody(shop, url, opened):
    async with opened(url=url) as client, asyncio.TaskGroup() as tasks:
        hasty = tasks.create_task(client.tools())
        patient = tasks.create_task(client.tools())
        await asyncio.sleep(0)
        hasty.cancel()

        assert len(await patient) == 8


# --- blocks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "body", "left"),
    [
        ("{tool: add, arguments: 'body'}", {"a": 1, "b": 2}, {"total": 3}),
        ("{tool: greet, arguments: '{\"name\": body.who}'}", {"who": "Ada"}, "Hello, Ada!"),
    ],
)
async def test_a_result_becomes_the_body(url, revision, call, body, left):
    async with flow({"url": url, "revision": revision}, call) as app:
        assert (await app.call("call", body)).body == left


async def test_a_result_becomes_a_variable(url):
    async with flow({"url": url}, "{tool: picture, as: shown}") as app:
        message = await app.call("call", "before")

    assert message.body == "before"
    assert [each["type"] for each in message.vars["shown"]] == ["text", "image"]


async def test_arguments_are_checked_before_the_server_is_called(shop, url):
    async with flow({"url": url}, "{tool: add, arguments: body}") as app:
        error = await failed(app.call("call", {"a": 1}))

    assert error.code == codes.BAD_ARGUMENTS
    assert 'the property "b" is missing' in str(error)
    assert shop.calls["tools/call"] == 0


async def test_what_has_no_json_form_ends_its_call_alone(url, program, opened):
    """The SDK would end the session, with all calls that are under way."""
    deep = []
    for _ in range(1000):
        deep = [deep]
    for settings, tool in (({"url": url}, "greet"), (program, "variable")):
        async with opened(**settings) as client:
            assert "have no JSON form" in (await client.call(tool, {"name": "\ud800"})).content
            assert "nested more than 254 levels deep" in (await client.call(tool, {"name": deep})).content
            with pytest.raises(Permanent, match="what is sent has no JSON form"):
                await client._link.read("\ud800")
            with pytest.raises(Permanent, match="what is sent has no JSON form"):
                await client._link.prompt("sell", {"what": "\ud800"})
            assert not (await client.call(tool, {"name": "Ada"})).is_error


async def test_an_error_of_the_tool_fails_the_block_unless_it_may(url):
    async with flow({"url": url}, "{tool: fail}") as app:
        assert (await failed(app.call("call"))).code == codes.TOOL_FAILED
    async with flow({"url": url}, "{tool: fail, failOnError: false}") as app:
        message = await app.call("call")

    assert message.vars["isError"] is True
    assert message.body == "Error executing tool fail"


async def test_a_result_that_is_too_large_is_refused_as_a_whole(url, revision):
    async with flow(
        {"url": url, "revision": revision, "maxResultBytes": 2048}, "{tool: large, arguments: body}"
    ) as app:
        assert (await failed(app.call("call", {"size": 3000}))).code == codes.TOO_LARGE
        assert (await app.call("call", {"size": 500})).body == {"result": "x" * 500}


async def test_an_answer_without_end_is_not_read_to_its_end(url):
    """What is far beyond `maxResultBytes` does not get into memory; the other tools go on."""
    async with flow({"url": url, "maxResultBytes": 1024}, "{tool: large, arguments: body}") as app:
        assert (await failed(app.call("call", {"size": 4_000_000}))).code in (codes.TOO_LARGE, codes.UNREACHABLE)
        assert (await app.call("call", {"size": 10})).body == {"result": "x" * 10}


async def test_a_call_that_is_too_slow_is_cancelled_and_the_server_is_told(shop, url, revision):
    """Other calls are not affected."""
    async with flow({"url": url, "revision": revision, "timeout": "300ms"}, "{tool: wait}") as app:
        error = await failed(app.call("call"))
        await asyncio.wait_for(shop.ended.wait(), 60)

        assert isinstance(error, Timeout)
        assert error.code == codes.TOO_SLOW
        assert (await app.connector("shop").call("greet", {"name": "Ada"})).content == "Hello, Ada!"


async def test_a_call_may_have_a_time_of_its_own(url):
    async with flow({"url": url}, "{tool: wait, timeout: 200ms}") as app:
        assert (await failed(app.call("call"))).code == codes.TOO_SLOW


async def test_a_deadline_of_the_flow_cancels_the_call_too(shop, url, revision):
    async with flow({"url": url, "revision": revision}, "{tool: wait}") as app, asyncio.TaskGroup() as tasks:
        call = tasks.create_task(app.call("call"))
        await asyncio.wait_for(shop.held.wait(), 60)
        call.cancel()
        await asyncio.wait_for(shop.ended.wait(), 60)


async def test_a_resource_and_a_prompt(url):
    text = f"""
connectors:
  - {{name: shop, type: mcp-client, settings: {{url: "{url}"}}}}
flows:
  - name: read
    process:
      - {{connector: shop, type: mcp-read, settings: {{uri: body}}}}
  - name: prompt
    process:
      - {{connector: shop, type: mcp-prompt, settings: {{prompt: sell, arguments: {{what: body}}}}}}
"""
    async with running(text) as app:
        assert (await app.call("read", "shop://hours")).body == "nine to five"
        assert (await app.call("read", "shop://logo")).body == b"a picture"
        assert (await app.call("prompt", "tea")).body == [{"role": "user", "text": "Please buy tea."}]
        assert (await failed(app.call("read", "shop://nothing"))).code == codes.BROKEN


async def test_the_server_can_follow_the_trace(shop, url):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with flow({"url": url}, "{tool: greet, arguments: body}") as app:
        inlet = FlowInlet(app.generation.flows["call"])
        await inlet.call(Message({"name": "Ada"}, {}, traceparent=parent), None)

    assert parent in str(shop.metas[-1])


# --- questions ---------------------------------------------------------------------------------------------------


async def test_a_chain_answers_what_a_tool_asks(url, revision):
    """Defaults of the question fill what the answer leaves out."""
    settings = {"url": url, "revision": revision}
    call = "{tool: book, arguments: body, onInput: [{type: set-payload, settings: {value: 'ANSWER'}}]}"
    async with flow(settings, call.replace("ANSWER", '{body[0].name: {"day": "Monday"}}')) as app:
        assert (await app.call("call", {"what": "tea"})).body == {"result": "tea on Monday for 2"}
    async with flow(settings, call.replace("ANSWER", "{body[0].name: null}")) as app:
        assert (await failed(app.call("call", {"what": "tea"}))).code == codes.TOOL_FAILED
    async with flow(settings, call.replace("ANSWER", '{body[0].name: {"day": 3}}')) as app:
        error = await failed(app.call("call", {"what": "tea"}))

    assert error.code == codes.BAD_ARGUMENTS
    assert "/day: must be a text" in str(error)


async def test_a_program_may_ask_too(program):
    answer = """[{type: set-payload, settings: {value: '{body[0].name: {"day": "Monday"}}'}}]"""
    async with flow(program, f"{{tool: book, onInput: {answer}}}") as app:
        assert (await app.call("call")).body == "Monday for 2"
    async with flow(program, "{tool: book}") as app:
        assert (await app.call("call")).body == "declined"


async def test_without_a_chain_the_questions_are_an_error_that_a_second_call_answers(url):
    async with flow({"url": url}, "{tool: book, arguments: body}") as app:
        error = await failed(app.call("call", {"what": "tea"}))
        question, state = error.vars["questions"][0], error.vars["requestState"]

    assert error.code == codes.INPUT_REQUIRED
    assert question["message"] == "Which day?"
    assert question["schema"]["required"] == ["day"]

    call = "{tool: book, arguments: body.what, answers: body.answers, requestState: body.state}"
    again = {"what": {"what": "tea"}, "answers": {question["name"]: {"day": "Friday", "guests": 4}}, "state": state}
    async with flow({"url": url}, call) as app:
        assert (await app.call("call", again)).body == {"result": "tea on Friday for 4"}


async def test_an_answer_of_another_kind_is_refused(url):
    """Also where the question is not known any more, so that it cannot be checked against it."""
    call = "{tool: book, arguments: body.what, answers: body.answers}"
    async with flow({"url": url}, call) as app:
        error = await failed(app.call("call", {"what": {"what": "tea"}, "answers": {"q": {"day": {"a": 1}}}}))

    assert error.code == codes.BAD_ARGUMENTS
    assert "a map of texts, numbers, booleans" in str(error)


async def test_what_an_older_server_asks_is_declined_if_nobody_answers(url):
    async with flow({"url": url, "revision": "2025-11-25"}, "{tool: book, arguments: body}") as app:
        assert (await failed(app.call("call", {"what": "tea"}))).code == codes.TOOL_FAILED


# --- programs ----------------------------------------------------------------------------------------------------


async def test_a_program_of_the_sdk(shop_program, opened):
    async with opened(**shop_program) as client:
        assert len(await client.tools()) == 8
        assert (await client.call("greet", {"name": "Ada"})).content == "Hello, Ada!"


async def test_a_program_gets_only_the_variables_that_it_is_given(program, monkeypatch):
    monkeypatch.setenv("OCTO_TEST_OF_OURS", "ours")
    monkeypatch.setenv("OCTO_TEST_LENT", "lent")
    given = {**program, "env": {"GIVEN": "given"}, "inherit": ["OCTO_TEST_LENT"]}
    async with flow(given, "{tool: variable, arguments: '{\"name\": body}'}") as app:
        found = {
            name: (await app.call("call", name)).body
            for name in ("OCTO_TEST_OF_OURS", "OCTO_TEST_LENT", "GIVEN", "PATH")
        }

    assert found.pop("PATH") == os.environ["PATH"]
    assert found == {"OCTO_TEST_OF_OURS": "not set", "OCTO_TEST_LENT": "lent", "GIVEN": "given"}


async def test_what_it_writes_to_stderr_is_logged(program, opened, caplog):
    with caplog.at_level(logging.INFO, "octo.mcp"):
        async with opened(**program) as client:
            await client.tools()

    assert "the shop opens" in [each.fields["line"] for each in caplog.records if each.message == "server writes"]


async def test_it_ends_with_the_connector(program, opened):
    async with opened(**program) as client:
        pid = int((await client.call("pid", {})).content)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_one_that_dies_is_started_again(program):
    async with flow(program, "{tool: pid}") as app:
        first = (await app.call("call")).body
        os.kill(int(first), 9)
        errors, second = [], None
        while second is None:
            try:
                second = (await app.call("call")).body
            except Failure as failure:
                errors.append(failure.cause)
                await asyncio.sleep(0.02)

    assert second != first
    assert all(isinstance(each, Transient) for each in errors)
    assert "its process ended with signal 9: the shop opens" in str(errors[0])


async def test_all_who_wait_for_one_that_dies_hear_of_it(program, opened):
    """Calls that are under way, with and without somebody who answers questions, and those that wait for the list."""
    async with opened(**program) as client, asyncio.TaskGroup() as tasks:
        link = client._link
        tools = {each.name: each for each in (await link.listing()).tools}
        book = link.dialogue(tools["book"], {}, is_answered=True)
        assert await book.next()
        link._session.shelf.outdate()
        waiting = [
            tasks.create_task(caught(each))
            for each in (
                link.dialogue(tools["pid"], {}).next(),
                link.dialogue(tools["pid"], {}, is_answered=True).next(),
                book.next(),
            )
        ]
        await asyncio.sleep(0)
        book.answer({"input": {"day": "Monday"}})
        waiting.append(tasks.create_task(caught(link.dialogue(tools["die"], {}, is_answered=True).next())))
        ends = [await each for each in waiting]
        book.close()

    assert isinstance(ends[-1], Disconnected)
    assert all(isinstance(each, Disconnected) for each in ends if isinstance(each, Exception))


async def caught(waiting):
    """What it returns, or the error that it raises."""
    try:
        return await waiting
    except Exception as error:  # noqa: BLE001  the test looks at it
        return error


async def test_a_connector_that_closes_leaves_nobody_waiting(url, revision, opened, shop):
    async with asyncio.TaskGroup() as tasks:
        async with opened(url=url, revision=revision) as client:
            link = client._link
            tool = (await link.listing()).find("wait", "the shop")
            waiting = [
                tasks.create_task(caught(link.dialogue(tool, {}, is_answered=answered).next()))
                for answered in (True, False)
            ]
            await asyncio.wait_for(shop.held.wait(), 60)
            while shop.calls["tools/call"] < 2:
                await asyncio.sleep(0.01)
        ends = [await each for each in waiting]
        ends.append(await caught(link.listing()))

    assert all(isinstance(each, Disconnected) for each in ends)


# --- a server that is away ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "kind", "text"),
    [
        ({"url": "http://127.0.0.1:1/mcp"}, NotConnected, "MCP server at http://127.0.0.1:1/mcp: Connection refused"),
        ({"command": "no-such-program"}, Permanent, "MCP server 'no-such-program' cannot be started: No such file"),
        ({"command": "npx -y no-such"}, Permanent, "arguments belong under `args`"),
        ({"command": "sh", "args": ["-c", "echo no such module >&2; exit 3"]}, NotConnected, "no such module"),
        ({"command": "sh", "args": ["-c", "sleep 60"], "timeout": "200ms"}, NotConnected, "no answer in time"),
    ],
)
async def test_one_that_is_away_at_the_start_is_a_clear_error(settings, kind, text, opened, monkeypatch):
    monkeypatch.setattr("octo.ai.mcp.client.child.GRACE", 0.1)
    with pytest.raises(kind, match=text):
        async with opened(**settings):
            pass


async def test_a_server_that_comes_back_is_used_again(shop, revision, port):
    settings = {"url": f"http://127.0.0.1:{port}/mcp", "revision": revision}
    async with flow_over(settings, shop, port) as (app, stop):
        await stop()
        first = await failed(app.call("call", {"name": "Ada"}))
        async with Shop().serve(port):
            message = None
            while message is None:
                with contextlib.suppress(Failure):
                    message = await app.call("call", {"name": "Ada"})
                await asyncio.sleep(0.02)

    assert isinstance(first, Disconnected)
    assert message.body == "Hello, Ada!"


@asynccontextmanager
async def flow_over(settings, shop, port):
    """A flow with a server that can be stopped while it runs."""
    serving = shop.serve(port)
    await serving.__aenter__()
    stopped = False

    async def stop():
        nonlocal stopped
        stopped = True
        await serving.__aexit__(None, None, None)

    try:
        async with flow(settings, "{tool: greet, arguments: body}") as app:
            yield app, stop
    finally:
        if not stopped:
            await stop()


async def test_a_flow_does_not_start_without_its_server():
    with pytest.raises(StartError, match="Connection refused"):
        async with flow({"url": "http://127.0.0.1:1/mcp"}, "{tool: add}"):
            pass


async def test_health_says_that_the_session_has_ended(program, opened):
    async with opened(**program) as client:
        await client.health()
        pid = int((await client.call("pid", {})).content)
        os.kill(pid, 9)
        await until(lambda: client._link._session._connected.is_lost)

        with pytest.raises(Disconnected, match="signal 9"):
            await client.health()
