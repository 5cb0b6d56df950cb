"""Requests that are too large or come too slowly end their connection, whoever sends them. Over real sockets."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest

from octo_platform.api import guard, wire
from octo_platform.api.serving import _server

ALIVE = b"GET /api/v1/alive HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture
async def port(house):
    """Where it is served as the platform serves it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = _server(house.app)
        async with asyncio.TaskGroup() as group:
            group.create_task(serving.serve([listener]))
            listener.listen()
            yield listener.getsockname()[1]
            serving.should_exit = serving.force_exit = True


async def _told(port: int, *pieces: bytes) -> bytes:
    """What is answered until the connection ends. It stays open from our side."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = b""
    with suppress(ConnectionError):
        for each in pieces:
            writer.write(each)
            await writer.drain()
        while piece := await reader.read(65_536):
            found += piece
    writer.close()
    return found


@pytest.mark.parametrize("begin", [b"", b"GET /api", ALIVE, ALIVE + b"X: "])
async def test_a_head_that_does_not_come_ends_the_connection(port, monkeypatch, begin):
    monkeypatch.setattr(wire, "HEAD_TIME", 0.05)
    assert await _told(port, begin) == b""


async def test_the_head_of_a_second_request_has_a_limit_too(port, monkeypatch):
    monkeypatch.setattr(wire, "HEAD_TIME", 0.05)
    monkeypatch.setattr(wire, "KEEP_ALIVE", 0.05)
    found = await _told(port, ALIVE + b"\r\n", ALIVE)
    assert found.count(b"HTTP/1.1 204") == 1


async def test_a_head_is_read_no_further_than_allowed(port):
    found = await _told(port, ALIVE, *(b"X-%d: %s\r\n" % (n, b"a" * 65_000) for n in range(100)))
    assert b"204" not in found[:20]


async def test_a_body_that_does_not_come_is_answered_without_it(port, monkeypatch):
    monkeypatch.setattr(guard, "PATIENCE", 0.05)
    monkeypatch.setattr(wire, "HEAD_TIME", 0.05)
    monkeypatch.setattr(wire, "KEEP_ALIVE", 0.05)
    head = b"POST /api/v1/device HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    found = await _told(port, head + b'Content-Length: 100\r\n\r\n{"client": ')
    assert b"HTTP/1.1 408" in found
    assert b"urn:octo:problem:too-slow" in found


async def test_an_answer_that_takes_longer_is_waited_for(port, monkeypatch, house):
    monkeypatch.setattr(guard, "PATIENCE", 0.05)
    monkeypatch.setattr(wire, "HEAD_TIME", 0.05)

    async def slow() -> bool:
        await asyncio.sleep(0.3)
        return True

    monkeypatch.setattr(house.installation.identity, "is_set_up", slow)
    found = await _told(port, b"GET /api/v1/setup HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 200")


async def test_pipelined_requests_are_all_answered(port, monkeypatch):
    monkeypatch.setattr(wire, "HEAD_TIME", 5)
    found = await _told(port, (ALIVE + b"\r\n") * 20 + ALIVE + b"Connection: close\r\n\r\n")
    assert found.count(b"HTTP/1.1 204") == 21


async def test_no_other_protocol_is_spoken(port):
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade, close\r\n"
    version = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YQ==\r\n\r\n"
    found = await _told(port, ALIVE + upgrade + version)
    assert found.startswith(b"HTTP/1.1 204")


async def test_who_opens_many_connections_keeps_nobody_out(port, monkeypatch):
    """A new one takes the place of the one that has waited the longest, and never of one that is being answered."""
    monkeypatch.setattr(wire, "MOST", 5)
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(12)]
    for _ in range(8):
        assert (await _told(port, ALIVE + b"Connection: close\r\n\r\n")).startswith(b"HTTP/1.1 204")
    ended = [await reader.read() for reader, _ in opened[:7]]
    assert ended == [b""] * 7
    for _, writer in opened:
        writer.close()


async def test_connections_that_are_answered_stay(port, monkeypatch, house):
    monkeypatch.setattr(wire, "MOST", 2)
    go_on = asyncio.Event()

    async def slow() -> bool:
        await go_on.wait()
        return True

    monkeypatch.setattr(house.installation.identity, "is_set_up", slow)
    ask = b"GET /api/v1/setup HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(_told(port, ask)) for _ in range(2)]
        while house.installation.requests._taken.total() < 2:
            await asyncio.sleep(0.01)
        assert await _told(port, ALIVE + b"\r\n") == b""
        go_on.set()
    assert all(each.result().startswith(b"HTTP/1.1 200") for each in asking)


async def test_a_request_with_a_length_and_chunks_is_refused(port):
    """So nothing can be smuggled past a proxy that reads the length."""
    head = b"POST /api/v1/device HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    both = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    found = await _told(port, head + both + b"2\r\n{}\r\n0\r\n\r\n" + ALIVE + b"\r\n")
    assert found.startswith(b"HTTP/1.1 400")
    assert b"urn:octo:problem:malformed" in found
    assert found.count(b"HTTP/1.1 ") == 1
