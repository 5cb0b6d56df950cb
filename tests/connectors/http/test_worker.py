"""Servers: how many connections are open, and what happens to one more."""

from __future__ import annotations

import asyncio
import socket

import pytest

from octo.connectors.http import worker
from octo.connectors.http.worker import Options, Worker


@pytest.fixture
async def start():
    """Start a server that may have so many connections open and leaves requests unanswered."""
    workers = []

    async def open_(most, serve=lambda call: None):
        listening = socket.create_server(("127.0.0.1", 0))
        fresh = Worker(listening, Options(header_timeout=60.0, keep_alive=True, max_header_bytes=8192), most, serve)
        workers.append((fresh, listening))
        await fresh.start()
        return listening.getsockname()[1]

    yield open_
    for fresh, listening in workers:
        fresh.stop()
        for connection in tuple(fresh._clients):
            connection.expire()
        await fresh.stopped()
        listening.close()


async def connect(port, data=b""):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    return reader, writer


async def test_one_connection_too_many_is_refused(start, caplog):
    """With 503, while the others have just come."""
    port = await start(2)
    kept = [await connect(port) for _ in range(2)]
    reader, writer = await connect(port)

    assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
    assert [record.fields for record in caplog.records] == [{"most": 2}]
    for _, each in (*kept, (reader, writer)):
        each.close()


async def test_the_connection_that_is_waited_for_longest_gives_way(start, monkeypatch):
    """Also one that sends half a head, so that silent clients keep nobody out."""
    monkeypatch.setattr(worker, "SLOW", 0.0)
    port = await start(2)
    first, second = await connect(port, b"GET / HTT"), await connect(port)
    third = await connect(port)

    assert await first[0].read() == b""
    second[0].feed_eof()
    third[0].feed_eof()
    assert [await each[0].read() for each in (second, third)] == [b"", b""]
    for _, writer in (first, second, third):
        writer.close()


async def test_a_connection_that_is_served_does_not_give_way(start, monkeypatch):
    monkeypatch.setattr(worker, "SLOW", 0.0)
    served = asyncio.Event()
    port = await start(1, lambda call: served.set())
    _, first = await connect(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await served.wait()
    reader, second = await connect(port)

    assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
    first.close()
    second.close()


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n", b"\r\nGET / HTTP/1.1\r\nHost: x\r\n"])
async def test_a_client_that_does_not_take_its_answer_gives_way(start, monkeypatch, more):
    """Also if the connection ends with it, or further requests wait behind it."""
    monkeypatch.setattr(worker, "SLOW", 0.0)
    answered = asyncio.Event()

    def serve(call):
        call.proto.response_bytes(200, [], bytes(1 << 24))
        call.done()
        answered.set()

    port = await start(1, serve)
    silent = socket.create_connection(("127.0.0.1", port))
    silent.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n")
    await answered.wait()
    reader, writer = await connect(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert (await reader.read(12)) == b"HTTP/1.1 200"
    assert await asyncio.to_thread(received, silent) < 1 << 24
    silent.close()
    writer.close()


REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def answer(call):
    call.proto.response_bytes(200, [], b"")
    call.done()


@pytest.fixture
async def pair():
    """Two servers that accept from one socket, as two processes do."""
    listening = socket.create_server(("127.0.0.1", 0))
    options = Options(header_timeout=60.0, keep_alive=True, max_header_bytes=8192)
    both = [Worker(listening, options, 100, answer) for _ in range(2)]
    for each in both:
        await each.start()
    yield (*both, listening.getsockname()[1])
    for each in both:
        each.stop()
        await each.stopped()
    listening.close()


async def test_a_server_that_leaves_ends_each_connection_with_its_next_response(pair):
    """Also one that was kept before, and one that has just come."""
    leaving, other, port = pair
    other.stop()
    kept_reader, kept = await connect(port, REQUEST)
    first = await kept_reader.readuntil(b"\r\n\r\n")
    leaving.leave(60.0, is_shared=False)
    kept.write(REQUEST)
    new_reader, new = await connect(port, REQUEST)

    assert b"connection: close" not in first
    assert b"200 OK" in (last := await kept_reader.read())
    assert b"connection: close" in last
    assert b"connection: close" in await new_reader.read()
    for each in (kept, new):
        each.close()


async def test_what_waits_in_a_shared_socket_is_left_to_the_others(pair):
    leaving, _, port = pair
    leaving.leave(60.0, is_shared=True)
    clients = [await connect(port, REQUEST) for _ in range(20)]

    heads = [await reader.readuntil(b"\r\n\r\n") for reader, _ in clients]
    assert [b"connection: close" in each for each in heads] == [False] * 20
    for _, writer in clients:
        writer.close()


async def test_idle_connections_close_before_the_routes_go(pair):
    leaving, other, port = pair
    other.stop()
    reader, writer = await connect(port, REQUEST)
    await reader.readuntil(b"\r\n\r\n")
    leaving.leave(0.01, is_shared=False)

    assert await reader.read() == b""
    assert not leaving.is_stopping
    writer.close()


def received(client):
    """Read to the end of the connection; return how many bytes came."""
    count = 0
    try:
        while data := client.recv(1 << 20):
            count += len(data)
    except ConnectionResetError:
        pass
    return count
