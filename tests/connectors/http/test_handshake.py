"""Handshakes: clients that only connect, and never show that they speak TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from octo.connectors.http import worker
from octo.connectors.http.worker import Options, Worker

ASK = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
async def start(tmp_path, certificate):
    """Start a server with TLS that may have so many connections open; return it, its port and the client's trust."""
    stops = []

    async def open_(most, patience=60.0):
        def serve(call):
            call.proto.response_bytes(200, [], b"")
            call.done()

        files = certificate(tmp_path)
        listening = socket.create_server(("127.0.0.1", 0))
        fresh = Worker(listening, Options(patience, keep_alive=True, max_header_bytes=8192, **files), most, serve)
        stops.append((fresh, listening))
        await fresh.start()
        return fresh, listening.getsockname()[1], ssl.create_default_context(cafile=files["cert"])

    yield open_
    for fresh, listening in stops:
        fresh.stop()
        await fresh.stopped()
        listening.close()


async def ask(port, trust):
    """Return the status line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")
    writer.write(ASK)
    try:
        return (await reader.read(1000)).partition(b"\r\n")[0]
    finally:
        writer.close()


async def test_a_client_that_says_nothing_gives_way(start, monkeypatch):
    monkeypatch.setattr(worker, "SLOW", 0.0)
    _, port, trust = await start(1)
    reader, silent = await asyncio.open_connection("127.0.0.1", port)
    silent.write(b"\x16\x03\x01")

    assert await ask(port, trust) == b"HTTP/1.1 200 OK"
    assert await reader.read() == b""
    silent.close()


async def test_one_connection_too_many_is_closed(start):
    """Before it costs a handshake; the other has just come."""
    server, port, _ = await start(1)
    _, first = await asyncio.open_connection("127.0.0.1", port)
    reader, second = await asyncio.open_connection("127.0.0.1", port)

    assert await reader.read() == b""
    assert len(server._clients) == 1
    first.close()
    second.close()


@pytest.mark.parametrize("nonsense", [b"", ASK, b"\x16\x03\x01\x00\x01\x00"])
async def test_the_place_of_a_handshake_that_fails_is_free_again(start, caplog, nonsense):
    """And nobody is told: this is what port scanners do."""
    server, port, trust = await start(1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(nonsense)
    writer.write_eof()
    await reader.read()
    writer.close()
    while server._clients:
        await asyncio.sleep(0)

    assert await ask(port, trust) == b"HTTP/1.1 200 OK"
    assert caplog.records == []


async def test_a_handshake_takes_no_longer_than_a_head(start):
    _, port, _ = await start(1, patience=0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    assert await reader.read() == b""
    writer.close()


async def test_a_server_that_stops_waits_for_no_handshake(start):
    server, port, _ = await start(1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while not server._clients:
        await asyncio.sleep(0)
    server.stop()

    assert await reader.read() == b""
    writer.close()
