"""Real clients: the official SDK, of both kinds of revisions, and the connector of the project's own flows."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from octo.testing import running
from tests.platform.asking import until
from tests.platform.mcp.conftest import Assistant

MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])


@asynccontextmanager
async def client(url, assistant, mode):
    headers = {"Authorization": assistant.client.headers["Authorization"]}
    async with (
        httpx2.AsyncClient(headers=headers) as http_client,
        Client(streamable_http_client(url, http_client=http_client), mode=mode) as found,
    ):
        yield found


@MODES
async def test_the_official_client_goes_from_a_file_to_a_deployment(url, house, assistant, reconciled, mode):
    async with client(url, assistant, mode) as peer:
        tools = {each.name: each for each in (await peer.list_tools()).tools}
        assert tools["roll_out"].annotations.destructive_hint is True
        assert tools["read_logs"].annotations.read_only_hint is True

        async def call(name, **arguments):
            result = await peer.call_tool(name, {"workspace": "shop", **arguments})
            assert not result.is_error, result
            return json.loads(result.content[0].text)

        assert (await call("check_integration", integration="orders"))["ok"]
        await call("create_version", integration="orders", tag="v1")
        wanted = {"environment": "dev", "integration": "orders", "tag": "v1"}
        plan = await call("plan_deployment", **wanted)
        made = await call("create_deployment", **wanted, plan=plan["digest"])
        await until(assistant.client, phase="running")
        assert (await call("read_deployment", deployment=made["id"]))["runningTag"] == "v1"
        await call("scale", deployment="dev:orders", replicas=2, ifMatch="*")
        assert (await until(assistant.client, phase="running", ready=2))["ready"] == 2
        assert [each["text"] for each in await call("read_logs", deployment="dev:orders", lines=2)] == [
            "line 0",
            "line 1",
        ]
        for tool in ("read_status", "read_traces", "read_letters"):
            assert await call(tool, deployment="dev:orders")
        assert (await call("plan_roll", deployment="dev:orders", tag="v1"))["inFlight"] == 4
        with pytest.raises(MCPError, match="there is no tool"):
            await peer.call_tool("nothing", {})


@MODES
async def test_a_stale_plan_is_refused_for_a_model_to_read(url, assistant, mode):
    async with client(url, assistant, mode) as peer:
        await peer.call_tool("create_version", {"workspace": "shop", "integration": "orders", "tag": "v1"})
        stale = {"workspace": "shop", "environment": "dev", "integration": "orders", "tag": "v1", "plan": "0" * 32}
        result = await peer.call_tool("create_deployment", stale)
    assert result.is_error
    found = json.loads(result.content[0].text)
    assert (found["code"], found["plan"]["toTag"]) == ("plan-changed", "v1")


FLOW = """
env: [{{name: KEY}}]
connectors:
  - name: platform
    type: mcp-client
    settings: {{url: "{url}", token: "${{KEY}}"}}
flows:
  - name: ask
    process:
      - type: mcp-call
        connector: platform
        tool: list_integrations
        arguments: '{{"workspace": body}}'
"""


async def test_a_flow_of_octo_asks_it(url, house, boss, assistant):
    viewer = Assistant(await house.key(await house.signed_in("vic", "viewer")))
    key = viewer.client.headers["Authorization"].removeprefix("Bearer ")
    async with running(FLOW.format(url=url), environ={"KEY": key}) as app:
        outcome = await app.call("ask", "shop")
        offered = {each.tool.name for each in await app.connector("platform").tools()}
    assert (
        json.loads(outcome.body[0] if isinstance(outcome.body, list) else outcome.body)["items"][0]["name"] == "orders"
    )
    assert offered == {*(await viewer.tools())}
    assert "roll_out" not in offered


async def test_it_says_what_it_is_and_how_it_is_used(assistant):
    found = await assistant.ask(
        "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "test", "version": "1"}
    )
    assert (found["protocolVersion"], found["serverInfo"]["name"]) == ("2025-06-18", "octo-platform")
    assert "data" in found["instructions"]
    assert {*found["capabilities"]} == {"tools"}
