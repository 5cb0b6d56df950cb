"""Calls that take long become tasks of a client that knows them; everybody else waits."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from octo.ai.mcp.serving.offer import Offer, Shape, Tool
from octo.ai.mcp.serving.server import server_of
from octo.ai.mcp.serving.tasks import EXTENSION, Job, Tasks
from octo.core.message import Message
from octo.mcp.exchange import Seen, exchange

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
CLIENT = {"extensions": {EXTENSION: {}}, "elicitation": {}}
FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


class Held:
    """A tool that ends when the test says so."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.began, self.cancelled = asyncio.Event(), asyncio.Event()

    async def run(self, message: Message) -> Message:
        self.began.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if message.body.get("fail"):
            raise KeyError("password=hush")
        if message.body.get("ask") and "who" not in message.vars["mcp"]["answers"]:
            request = {"method": "elicitation/create", "params": {"message": "Name?", "requestedSchema": FORM}}
            return message.with_var("mcpAsked", {"who": request})
        return message.with_body("done")


class Asking:
    def __init__(self, server) -> None:
        self.server = server

    async def request(self, method, params, client=CLIENT, sub=None):
        meta = {**META, "io.modelcontextprotocol/clientCapabilities": client}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
        variables = {} if sub is None else {"sub": sub}
        reply = await exchange(self.server, body, Seen({}, is_routed=False), Message(None, variables))
        return reply.body.get("result") or reply.body["error"]

    async def call(self, arguments=None, **more):
        return await self.request("tools/call", {"name": "held", "arguments": arguments or {}}, **more)

    async def get(self, task, **more):
        return await self.request("tasks/get", {"taskId": task["taskId"]}, **more)

    async def until(self, task, status):
        while (found := await self.get(task))["status"] != status:
            await asyncio.sleep(0)
        return found


@asynccontextmanager
async def serving(after: float = 0.001):
    held = Held()
    async with Tasks.opened(after) as tasks:
        server = server_of(Offer("test", "1", tools=[Tool("held", "Held.", Shape.of({}), held.run)]), tasks)
        yield Asking(server), held


async def test_the_server_says_that_it_has_tasks():
    async with serving() as (client, _):
        found = await client.request("server/discover", {})

    assert found["capabilities"]["extensions"] == {EXTENSION: {}}


async def test_a_long_call_is_a_task_that_ends_with_the_result():
    async with serving() as (client, held):
        task = await client.call()
        working = await client.get(task)
        held.go.set()
        done = await client.until(task, "completed")

    assert (task["resultType"], task["status"], working["status"]) == ("task", "working", "working")
    assert "result" not in task
    assert done["result"]["content"][0]["text"] == '"done"'


async def test_a_short_call_has_its_result_at_once():
    async with serving(after=60) as (client, held):
        held.go.set()
        result = await client.call()

    assert (result["resultType"], result["content"][0]["text"]) == ("complete", '"done"')


async def test_a_client_that_knows_no_tasks_waits_and_asks_in_vain():
    async with serving() as (client, held):
        task = await client.call()
        refused = await client.get(task, client={})
        held.go.set()
        result = await client.call(client={})

    assert refused["code"] == -32021
    assert refused["data"] == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
    assert result["content"][0]["text"] == '"done"'


async def test_a_failing_tool_is_a_completed_task_that_tells_nothing():
    async with serving() as (client, held):
        task = await client.call({"fail": True})
        held.go.set()
        done = await client.until(task, "completed")

    assert done["result"]["isError"] is True
    assert "hush" not in str(done)


async def test_a_task_asks_and_goes_on_with_the_answer():
    async with serving() as (client, held):
        task = await client.call({"ask": True})
        held.go.set()
        asked = await client.until(task, "input_required")
        answers = {"other": {"action": "accept"}, "who": {"action": "accept", "content": {"name": "Ada"}}}
        update = {"taskId": task["taskId"], "inputResponses": answers}
        taken = await client.request("tasks/update", update)
        done = await client.until(task, "completed")

    assert asked["inputRequests"]["who"]["params"]["message"] == "Name?"
    assert {name: value for name, value in taken.items() if name != "_meta"} == {"resultType": "complete"}
    assert done["result"]["isError"] is False


async def test_a_task_that_lacks_what_it_asks_for_has_failed():
    async with serving() as (client, held):
        only_tasks = {"extensions": {EXTENSION: {}}}
        task = await client.call({"ask": True}, client=only_tasks)
        held.go.set()
        failed = await client.until(task, "failed")

    assert failed["error"]["code"] == -32021
    assert "result" not in failed


async def test_a_task_is_cancelled_and_stays_so():
    async with serving() as (client, held):
        task = await client.call()
        for _ in range(2):
            await client.request("tasks/cancel", {"taskId": task["taskId"]})
        await held.cancelled.wait()
        held.go.set()

        assert (await client.get(task))["status"] == "cancelled"


async def test_a_call_whose_client_goes_away_is_cancelled():
    async with serving(after=60) as (client, held), asyncio.TaskGroup() as group:
        call = group.create_task(client.call())
        await held.began.wait()
        call.cancel()
        await held.cancelled.wait()


async def test_tasks_of_others_are_not_there():
    async with serving() as (client, _):
        task = await client.call(sub="ada")
        mine, hers = await client.get(task, sub="ada"), await client.get(task, sub="eve")
        unknown = await client.get({"taskId": "nope"})

    assert mine["status"] == "working"
    assert (hers["code"], unknown["code"]) == (-32602, -32602)


async def test_leaving_cancels_all():
    async with serving() as (client, held):
        await client.call()

    assert held.cancelled.is_set()


async def test_only_so_many_are_kept(monkeypatch):
    monkeypatch.setattr("octo.ai.mcp.serving.tasks.MOST", 1)
    async with serving() as (client, held):
        await client.call()
        held.go.set()
        result = await client.call()

    assert result["resultType"] == "complete"


async def test_what_has_ended_long_ago_is_forgotten(monkeypatch):
    async with serving() as (client, held):
        task = await client.call()
        held.go.set()
        await client.until(task, "completed")
        monkeypatch.setattr("octo.ai.mcp.serving.tasks.KEPT", -1.0)

        assert (await client.get(task))["code"] == -32602


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_what_is_over_stays_as_it_is(status):
    job = Job(None)
    job.become(status)
    job.become("working")

    assert job.status == status
