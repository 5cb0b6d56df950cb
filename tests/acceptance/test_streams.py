"""Open streams of server-sent events while the flows change, and while several processes serve."""

from __future__ import annotations

import asyncio

import aiohttp

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: ticker
    source:
      type: http
      settings: {{path: /ticks, sse: {{enabled: true, closeOnComplete: false}}}}
    process:
      - {{type: sse-event, event: begun, data: '{number}'}}
"""


async def test_a_reload_ends_the_streams_of_the_flows_that_it_replaces(octo, port, tmp_path, save):
    """With a proper end, and the browser that comes again meets the new flow."""
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW.format(port=port, number=1))
    process = octo("run", "--config", str(path), "--watch")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as session:
        url = f"http://127.0.0.1:{port}/ticks"
        async with session.get(url) as response:
            assert await response.content.readline() == b"event: begun\n"
            save(path, FLOW.format(port=port, number=2))
            assert await response.content.read() == b"data: 1\n\n", "a connection that breaks would raise"
        async with session.get(url) as response:
            await response.content.readline()
            assert await response.content.readline() == b"data: 2\n"
            stopping = asyncio.get_running_loop().run_in_executor(None, process.stop)
            assert await response.content.read() == b"\n"
    assert await stopping == 0
