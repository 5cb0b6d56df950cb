"""Plain functions of a `python` block that never return: other blocks go on, and the process says what is wrong."""

from __future__ import annotations

import asyncio

import aiohttp

FLOW = """
env: [{name: PORT}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}"}}
flows:
  - name: hangs
    source: {connector: web, type: http, settings: {path: /hangs, timeout: 1s}}
    process: [{type: python, name: call, call: "work:hang"}]
  - name: works
    source: {connector: web, type: http, settings: {path: /works}}
    process: [{type: python, call: "work:double"}]
"""
WORK = """
import time
from pathlib import Path


def hang():
    while not Path("go").exists():
        time.sleep(0.05)


def double(body):
    return 2 * body
"""


async def test_hanging_functions_do_not_stop_other_blocks(octo, port, free_port, tmp_path):
    (tmp_path / "flow.yaml").write_text(FLOW)
    (tmp_path / "work.py").write_text(WORK)
    admin = free_port()
    process = octo("run", "--config", str(tmp_path / "flow.yaml"), f"--admin-addr=127.0.0.1:{admin}", PORT=str(port))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def get(path, to=port):
            async with session.get(f"http://127.0.0.1:{to}{path}") as response:
                return response.status, await response.text()

        async def double():
            async with session.post(f"http://127.0.0.1:{port}/works", json=21) as response:
                return response.status, await response.text()

        async with asyncio.TaskGroup() as group:
            hanging = [group.create_task(get("/hangs")) for _ in range(80)]
            assert [await double() for _ in range(20)] == [(200, "42")] * 20
        assert {each.result()[0] for each in hanging} == {504}

        assert [await double() for _ in range(20)] == [(200, "42")] * 20
        status, text = await get("/readyz", admin)
        assert (status, "block hangs.call has no threads left: " in text) == (503, True)
        assert (await get("/hangs"))[0] == 500
        _, metrics = await get("/metrics", admin)
        hanging = float(metrics.partition("\nocto_threads_hanging ")[2].partition("\n")[0])
        assert 64 <= hanging <= 80
        process.wait_for("a function still runs although nobody waits for it any more.* path=hangs.call hanging=1 ")

        (tmp_path / "go").touch()
        while (await get("/readyz", admin)) != (200, "ready\n"):
            await asyncio.sleep(0.01)
        assert (await get("/hangs"))[0] == 200
    assert process.stop() == 0
