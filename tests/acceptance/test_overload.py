"""More than a flow can do: refused with 503 and Retry-After, nothing piles up, the server goes on."""

from __future__ import annotations

import asyncio

import aiohttp

FLOW = """
env: [{name: PORT}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}", maxConcurrentRequests: 40}}
flows:
  - name: narrow
    workers: 1
    buffer: 2
    source: {connector: web, type: http, settings: {path: /narrow, timeout: 400ms}}
    process: [{type: python, call: "work:slow"}, {type: set-payload, value: '"done"'}]
  - name: free
    source: {connector: web, type: http, settings: {path: /free}}
    process: [{type: set-payload, value: '"free"'}]
"""
WORK = """
import asyncio


async def slow():
    await asyncio.sleep(0.15)
"""


async def test_what_cannot_be_done_in_time_is_refused_and_others_are_served(octo, port, tmp_path):
    (tmp_path / "flow.yaml").write_text(FLOW)
    (tmp_path / "work.py").write_text(WORK)
    process = octo("run", "--config", str(tmp_path / "flow.yaml"), PORT=str(port))
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def get(path):
            async with session.get(url + path) as response:
                await response.read()
                return response.status, response.headers.get("Retry-After")

        answers = await asyncio.gather(*(get("/narrow") for _ in range(100)))
        free = await get("/free")

    statuses = [status for status, _ in answers]
    assert set(statuses) <= {200, 503, 504}
    assert 200 in statuses
    assert statuses.count(503) > 50
    assert all(int(retry) >= 1 for status, retry in answers if status == 503)
    assert free == (200, None)
    assert process.stop() == 0
