"""Handshakes: clients that only connect, and never show that they speak TLS."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from octo.connectors.http import worker
from octo.connectors.http.connection import Connection
from octo.connectors.http.handshake import Handshake
from octo.connectors.http.worker import Options, Worker

ASK = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def serving(files, most, patience=60.0):
    """A server with TLS that may have so many connections open, and its port."""

    def serve(call):
        call.proto.response_bytes(200, [], b"")
        call.done()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Worker(listening, Options(patience, keep_alive=True, max_header_bytes=8192, **files), most, serve)
        await server.start()
        yield server, listening.getsockname()[1]
        server.stop()
        await server.stopped()


@pytest.fixture
async def start(tmp_path, certificate):
    """Start such a server; return it, its port, and the trust that clients need."""
    files = certificate(tmp_path)
    async with AsyncExitStack() as stack:

        async def open_(most, patience=60.0):
            server, port = await stack.enter_async_context(serving(files, most, patience))
            return server, port, ssl.create_default_context(cafile=files["cert"])

        yield open_


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


def test_nothing_is_left_of_a_handshake_that_fails(tmp_path, certificate):
    """Not even for the garbage collector, which a service hardly ever runs."""
    uvloop = pytest.importorskip("uvloop")

    async def fail():
        async with serving(certificate(tmp_path), 1) as (server, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(ASK)
            await reader.read()
            writer.close()
            while server._clients:
                await asyncio.sleep(0)
            for _ in range(10):
                await asyncio.sleep(0)
            return connections()

    gc.collect()
    before = connections()
    gc.disable()
    try:
        after = uvloop.run(fail())
    finally:
        gc.enable()

    assert after == before


def connections():
    """How many connections and handshakes are in the memory."""
    return sum(isinstance(each, Connection | Handshake) for each in gc.get_objects())


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
