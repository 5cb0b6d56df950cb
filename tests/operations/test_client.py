"""The client reports an answer or that there is none, and reads streams as they arrive."""

from __future__ import annotations

import asyncio
import socket

import pytest

from octo.operations.address import Address
from octo.operations.client import Client, Unreachable
from octo.operations.web import Response, as_json


async def test_it_sends_a_value_and_its_token(serve):
    async def echo(request):
        return as_json([request.method, request.body.decode(), request.headers.get("authorization")])

    async with serve(echo) as client:
        reply = await Client(client.address, "secret").ask("PUT", "/log-level", {"level": "debug"})

    assert reply.json() == ["PUT", '{"level": "debug"}', "Bearer secret"]


async def test_a_stream_is_read_piece_by_piece(serve):
    go = asyncio.Event()

    async def pieces():
        yield b"one"
        await go.wait()
        yield b"two"

    async def stream(request):
        return Response(200, pieces())

    async with serve(stream) as client, client.stream("GET", "/") as (status, answer):
        assert status == 200
        assert await anext(answer) == b"one"
        go.set()
        assert await anext(answer) == b"two"


async def test_nobody_there_is_said_with_the_address(port):
    with pytest.raises(Unreachable, match=f"no answer from 127.0.0.1:{port}: connection refused"):
        await Client(Address("127.0.0.1", port)).get("/")


async def test_no_socket_there_is_said_with_its_path(tmp_path):
    with pytest.raises(Unreachable, match=r"no answer from .*gone\.sock: no such file or directory"):
        await Client(Address(path=str(tmp_path / "gone.sock"))).get("/")


async def test_who_takes_too_long_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(Address(*silent.getsockname()))

        with pytest.raises(Unreachable, match=r"does not answer within 0\.05s"):
            await client.get("/", timeout=0.05)


async def test_something_else_than_http_is_unreachable():
    async def babble(reader, writer):
        writer.write(b"220 mail ready\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unreachable):
            await Client(Address(*server.sockets[0].getsockname())).get("/")
