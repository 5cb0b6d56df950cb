"""Requests beyond what a flow can do get 503 with Retry-After; nothing piles up, and the server goes on."""

from __future__ import annotations

import asyncio
import socket

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


TENANTS = """
env: [{name: PORT}, {name: UPSTREAM}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}"}}
  - {name: up, type: http-client, settings: {baseURL: "http://127.0.0.1:${UPSTREAM}"}}
flows:
  - name: hanging
    workers: 300
    buffer: 300
    source: {connector: web, type: http, settings: {path: /hanging}}
    process: [{type: rest, connector: up, method: GET, path: /}]
  - name: slow
    source: {connector: web, type: http, settings: {path: /slow, maxBodyBytes: 100}}
    process: [{type: set-payload, value: '"slow"'}]
  - name: healthy
    source: {connector: web, type: http, settings: {path: /healthy}}
    process: [{type: set-payload, value: '"healthy"'}]
"""


async def asked(port, head, body=b""):
    """Send a request over a connection of its own; return the status and the headers of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body)
        answer = (await reader.read()).decode()
    finally:
        writer.close()
    return int(answer[9:12]), answer.partition("\r\n\r\n")[0].lower()


async def test_callers_of_a_hanging_upstream_do_not_disturb_another_route(octo, port, tmp_path):
    """3,000 callers: as many as the flow has room for wait, the others get 503; every healthy request is served."""
    (tmp_path / "flow.yaml").write_text(TENANTS)
    upstream = socket.create_server(("127.0.0.1", 0), backlog=1000)  # connections are taken, and never answered
    number = upstream.getsockname()[1]
    process = octo("run", "--config", str(tmp_path / "flow.yaml"), PORT=str(port), UPSTREAM=str(number))
    refused = []
    healthy = []
    over = asyncio.Event()

    async def call():
        refused.append(await asked(port, "GET /hanging"))
        if len(refused) == 2400:
            over.set()

    with upstream:
        async with asyncio.TaskGroup() as group:
            callers = [group.create_task(call()) for _ in range(3000)]
            while not over.is_set():
                healthy += [await asked(port, "GET /healthy"), await asked(port, "POST /healthy", b"1")]
            for _ in range(100):
                healthy += [await asked(port, "GET /healthy"), await asked(port, "POST /healthy", b"1")]
            assert len(refused) == 2400
            for each in callers:
                each.cancel()

    assert {status for status, _ in refused} == {503}
    assert all("\r\nretry-after: " in head for _, head in refused)
    assert {status for status, _ in healthy} == {200}
    assert process.stop() == 0


async def test_clients_that_send_byte_by_byte_do_not_disturb_others(octo, port, tmp_path):
    """1,100 bodies and 200 heads that never end; other requests are served, and bodies for another route too."""
    (tmp_path / "flow.yaml").write_text(TENANTS)
    process = octo("run", "--config", str(tmp_path / "flow.yaml"), PORT=str(port), UPSTREAM="1")
    writers = []

    async def begin(data):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        writers.append((reader, writer))

    for _ in range(1100):
        await begin(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n1")
    for _ in range(200):
        await begin(b"GET /healthy HTTP/1.1\r\nHost: x\r\nX-")

    answers = [await asked(port, *each) for each in (("GET /healthy",), ("POST /healthy", b"1"), ("GET /slow",)) * 20]
    for _, writer in writers:
        writer.close()
        await writer.wait_closed()

    assert {status for status, _ in answers} == {200}
    assert process.stop() == 0
