"""The listener serves many connections, refuses too many, and closes all of them at its end."""

from __future__ import annotations

import asyncio
import socket

import pytest

from octo.operations.address import Address, bind
from octo.operations.client import Client, Unreachable
from octo.operations.server import MOST_CONNECTIONS, serving
from octo.operations.web import text


async def hello(request):
    return text("hello")


async def test_it_answers_over_tcp_and_over_a_unix_socket(serve, tmp_path):
    async with serve(hello) as client:
        assert (await client.get("/")).body == b"hello\n"
    address = Address(path=str(tmp_path / "s"))
    async with serving(hello, bind(address)):
        assert (await Client(address).get("/")).body == b"hello\n"


async def test_too_many_connections_are_turned_away_and_nobody_else_suffers(serve):
    async with serve(hello) as client:
        async with asyncio.TaskGroup() as tasks:
            where = (client.address.host, client.address.port)
            opening = [tasks.create_task(asyncio.open_connection(*where)) for _ in range(MOST_CONNECTIONS)]
        idle = [task.result() for task in opening]

        assert (await client.get("/")).status == 503

        reader, writer = idle.pop()
        writer.write_eof()
        assert await reader.read() == b""  # the server has closed its side too
        writer.close()
        assert (await client.get("/")).status == 200
        for _, writer in idle:
            writer.close()


async def unanswered(client):
    with pytest.raises(Unreachable):
        await client.get("/")


async def test_closing_cancels_what_is_under_way(serve):
    arrived, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(request):
        arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with asyncio.TaskGroup() as tasks:
        async with serve(hang) as client:
            asking = tasks.create_task(unanswered(client))
            await arrived.wait()
        assert cancelled.is_set()
        await asking


async def test_the_port_is_free_afterwards(serve):
    async with serve(hello) as client:
        pass

    with pytest.raises(Unreachable):
        await client.get("/")
    with socket.create_server((client.address.host, client.address.port)):
        pass


async def test_a_broken_conversation_is_logged_and_the_port_goes_on(serve, caplog):
    answers = [None, text("fine")]

    async def once_broken(request):
        return answers.pop(0)

    async with serve(once_broken) as client:
        with pytest.raises(Unreachable):
            await client.get("/")
        assert (await client.get("/")).status == 200
    assert "a connection to the operations port failed" in caplog.text
