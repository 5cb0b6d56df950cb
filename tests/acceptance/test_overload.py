"""Requests beyond what a flow can do get 503 with Retry-After; nothing piles up, and the server goes on."""

from __future__ import annotations

import asyncio

import aiohttp

FLOW = """
env: [{name: PORT}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}"}}
flows:
  - name: narrow
    workers: 1
    buffer: 2
    source: {connector: web, type: http, settings: {path: /narrow}}
    process: [{type: python, call: "work:slow"}, {type: set-payload, value: '"done"'}]
  - name: free
    source: {connector: web, type: http, settings: {path: /free}}
    process: [{type: set-payload, value: '"free"'}]
"""
WORK = """
import asyncio
from pathlib import Path


async def slow():
    while not Path("go").exists():
        await asyncio.sleep(0.01)
"""


async def test_what_there_is_no_room_for_is_refused_and_others_are_served(octo, port, tmp_path):
    """Three requests have a place, and none of them ends before all others were refused."""
    (tmp_path / "flow.yaml").write_text(FLOW)
    (tmp_path / "work.py").write_text(WORK)
    process = octo("run", "--config", str(tmp_path / "flow.yaml"), PORT=str(port))
    url = f"http://127.0.0.1:{port}"
    answers = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session, asyncio.TaskGroup() as tasks:

        async def get(path):
            async with session.get(url + path) as response:
                await response.read()
                answers.append((response.status, response.headers.get("Retry-After")))

        for _ in range(100):
            tasks.create_task(get("/narrow"))
        while len(answers) < 97:
            await asyncio.sleep(0.01)
        (tmp_path / "go").touch()
        while len(answers) < 100:
            await asyncio.sleep(0.01)
        await get("/free")

    assert {status for status, _ in answers[:97]} == {503}
    assert all(int(retry) >= 1 for _, retry in answers[:97])
    assert answers[97:] == [(200, None)] * 4
    assert process.stop() == 0
