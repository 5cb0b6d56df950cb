"""mcp-progress tells a client that has asked for it, and otherwise nobody."""

from __future__ import annotations

import pytest
from mcp import Client

from octo.ai.mcp.serving.progress import telling
from octo.ai.mcp.serving.published import published
from octo.ai.mcp.serving.server import server_of
from octo.testing import running

FLOW = """
flows:
  - name: work
    process:
      - {type: mcp-progress, settings: {progress: '1', total: '2', text: '"half of " + body.what'}}
      - {type: mcp-progress, settings: {progress: '2'}}
      - {type: mcp-progress, settings: {progress: '"much"'}}
"""


async def test_who_listens_is_told():
    told = []

    async def tell(*those):
        told.append(those)

    async with running(FLOW) as app:
        with telling(tell):
            await app.call("work", {"what": "it"})
        await app.call("work", {"what": "it"})

    assert told == [(1.0, 2.0, "half of it"), (2.0, None, None)]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_is_told(mode):
    told = []

    async def hear(*those):
        told.append(those)

    async with running(FLOW) as app:
        server = server_of(published("test", "1", app.generation.flows.values(), 5))
        async with Client(server, mode=mode) as client:
            result = await client.call_tool("work", {"what": "it"}, progress_callback=hear)

    assert result.is_error is False
    assert told == [(1.0, 2.0, "half of it"), (2.0, None, None)]
