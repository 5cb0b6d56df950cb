"""A house with a server of MCP, and assistants that come to it with a key."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest

from octo_platform.api.serving import _server
from octo_platform.deployments.reconciler import Reconciler
from octo_platform.mcp.tools import tools_of
from tests.platform.asking import FLOW
from tests.platform.conftest import BASE

OLD = {"MCP-Protocol-Version": "2025-06-18"}


@dataclass
class Assistant:
    """A program that speaks the protocol. client: has its key."""

    client: httpx.AsyncClient
    numbers = count(1)

    async def post(self, body: object, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **OLD, **headers}
        return await self.client.post(f"{BASE}/mcp", content=content, headers=given)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a request, or its error."""
        body = {"jsonrpc": "2.0", "id": next(self.numbers), "method": method, "params": params}
        found = (await self.post(body)).json()
        return found.get("result") or found["error"]

    async def tools(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in (await self.ask("tools/list"))["tools"]}

    async def call(self, tool: str, **arguments: Any) -> tuple[bool, list[str]]:
        """Whether it went well, and the texts of the result."""
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        return not result.get("isError", False), [each["text"] for each in result["content"]]

    async def done(self, tool: str, **arguments: Any) -> Any:
        """What was answered, which must be a success."""
        is_done, texts = await self.call(tool, **arguments)
        assert is_done, texts
        return json.loads(texts[0]) if texts[0] != "done" else None

    async def refused(self, tool: str, **arguments: Any) -> str:
        """The code of the problem that the answer is, and must be."""
        is_done, texts = await self.call(tool, **arguments)
        assert not is_done, texts
        return json.loads(texts[0])["code"]


@pytest.fixture
async def boss(house):
    """The browser of an administrator, who has a workspace `shop`."""
    browser = await house.signed_in("boss", "admin")
    for path, body in (
        ("/workspaces", {"name": "shop"}),
        ("/workspaces/shop/environments", {"name": "dev"}),
        ("/workspaces/shop/integrations", {"name": "orders", "files": {"orders.yaml": FLOW}}),
    ):
        assert (await browser.post(path, json=body)).status_code == 201
    return browser


@pytest.fixture
async def assistant(house, boss):
    """An assistant with a key of the administrator."""
    return Assistant(await house.key(boss))


@pytest.fixture
def tools(house):
    return tools_of(house.app.openapi())


@pytest.fixture
async def url(house):
    """Where the house is served, over a real socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = _server(house.app)
        async with asyncio.TaskGroup() as group:
            group.create_task(serving.serve([listener]))
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
            serving.should_exit = serving.force_exit = True


@pytest.fixture
async def reconciled(house):
    """A reconciler that runs."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(Reconciler(house.installation).run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
