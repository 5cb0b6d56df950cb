"""The listener serves many connections, refuses too many, and closes all of them at its end."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from octo.operations.address import Address, bind
from octo.operations.client import Client, Unreachable
from octo.operations.server import MOST_CONNECTIONS, serving
from octo.operations.web import Response, text


async def hello(request):
    return text("hello")


async def test_it_answers_over_tcp_and_over_a_unix_socket(serve, tmp_path):
    async with serve(hello) as client:
        assert (await client.get("/")).body == b"hello\n"
    address = Address(path=str(tmp_path / "s"))
    async with serving(hello, bind(address)):
        assert (await Client(address).get("/")).body == b"hello\n"


@pytest.fixture
async def connected():
    """Opens connections that send these bytes, at once; they are closed at the end."""
    opened = []

    async def connect(client, times, data=b""):
        where = (client.address.host, client.address.port)
        async with asyncio.TaskGroup() as tasks:
            opening = [tasks.create_task(asyncio.open_connection(*where)) for _ in range(times)]
        opened.extend(task.result() for task in opening)
        for _, writer in opened[-times:]:
            writer.write(data)
        return [reader for reader, _ in opened[-times:]]

    yield connect
    for _, writer in opened:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("data", [b"", b"GET / HT", GET], ids=["nothing sent", "half a head", "kept alive"])
@pytest.mark.parametrize("grace", [0.0, 60.0])
async def test_connections_that_wait_for_their_client_give_way(monkeypatch, serve, connected, data, grace):
    """However many there are, and even if they all came in this second. The one that has waited longest is closed."""
    monkeypatch.setattr("octo.operations.server.GRACE", grace)
    async with serve(hello) as client:
        await client.get("/")
        crowd = await connected(client, MOST_CONNECTIONS, data)
        for reader in crowd if data == GET else ():
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        late = await connected(client, 150, data)

        for _ in range(3):
            assert (await client.get("/")).status == 200
        for reader in crowd[:10]:
            with contextlib.suppress(ConnectionError):
                await reader.read()
        assert not any(reader.at_eof() for reader in late[100:])


async def test_more_requests_than_connections_may_wait_wait_for_their_answer(serve, connected):
    """Only when twice as many are being answered is another turned away."""
    go = asyncio.Event()
    asked = 0

    async def slow(request):
        nonlocal asked
        asked += 1
        await go.wait()
        return text("slow")

    async with serve(slow) as client:
        readers = await connected(client, 1, GET)
        while not asked:
            await asyncio.sleep(0)
        readers += await connected(client, 2 * MOST_CONNECTIONS - 1, GET)
        while asked < 2 * MOST_CONNECTIONS:
            await asyncio.sleep(0)
        assert (await client.get("/")).status == 503
        go.set()
        assert {await reader.readline() for reader in readers} == {b"HTTP/1.1 200 OK\r\n"}


async def test_streams_leave_room_for_other_requests(serve, connected):
    """Half of the connections may be streams; one more is refused, and is a stream no longer."""

    async def drops():
        while True:
            yield b"drop"
            await asyncio.Event().wait()

    async def answer(request):
        return Response(200, drops()) if request.path == "/stream" else text("hello")

    async with serve(answer) as client:
        stream = GET.replace(b"/", b"/stream", 1)
        readers = [(await connected(client, 1, stream))[0] for _ in range(MOST_CONNECTIONS // 2)]
        assert {await reader.readline() for reader in readers} == {b"HTTP/1.1 200 OK\r\n"}

        assert (await client.get("/stream")).status == 503
        assert (await client.get("/")).status == 200


async def test_few_file_numbers_are_few_connections(monkeypatch, serve, connected):
    """Connections to this port come out of the reserve, and must not use it up."""
    monkeypatch.setattr("octo.operations.server.reserve", lambda: 20)
    monkeypatch.setattr("octo.operations.server.GRACE", 0.0)
    async with serve(hello) as client:
        await client.get("/")
        crowd = await connected(client, 11)
        assert (await client.get("/")).status == 200
        with contextlib.suppress(ConnectionError):
            assert await crowd[0].read() == b""


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
