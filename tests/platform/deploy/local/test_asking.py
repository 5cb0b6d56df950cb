"""GET from an operations socket: bounded in size and time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from octo_platform.deploy.local.asking import Reply, Silent, get
from octo_platform.deploy.target import Refused


@pytest.fixture
def serving(tmp_path_factory):
    """Serve these bytes at the path that the context is entered with. open: whether the connection stays open."""

    @asynccontextmanager
    async def serve(answer, *, stays=False):
        path = tmp_path_factory.mktemp("s") / "a.sock"
        over = asyncio.Event()

        async def one(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            if stays:
                await over.wait()
            writer.close()

        async with await asyncio.start_unix_server(one, str(path)):
            yield path
            over.set()

    return serve


async def test_an_answer_ends_with_the_connection_or_at_the_limit(serving):
    async with serving(b"HTTP/1.1 503 Busy\r\nx: y\r\n\r\n" + b"z" * 100_000) as path:
        assert await get(path, "/readyz", 1 << 20) == Reply(503, b"z" * 100_000)
        assert await get(path, "/readyz", 10) == Reply(503, b"z" * 10)


async def test_a_stream_is_cut_off(serving):
    """One that says nothing is silent."""
    async with serving(b"HTTP/1.1 200 OK\r\n\r\nline\n", stays=True) as path:
        assert await get(path, "/traces/tap", 100, 0.05) == Reply(200, b"line\n")
    async with serving(b"HTTP/1.1 200 OK\r\n", stays=True) as path:
        with pytest.raises(Silent):
            await get(path, "/status", 100, 0.05)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 two hundred\r\n\r\n", b"x" * 100_000])
async def test_what_is_no_answer_is_silence(serving, answer):
    async with serving(answer) as path:
        with pytest.raises(Silent):
            await get(path, "/", 100)


async def test_nobody_there_is_silence(tmp_path_factory):
    with pytest.raises(Silent):
        await get(tmp_path_factory.mktemp("s") / "none", "/", 100)


@pytest.mark.parametrize("path", ["", "status", "/a b", "/a\r\nHost: x", "/ä"])
async def test_what_is_no_path_is_refused(tmp_path, path):
    with pytest.raises(Refused):
        await get(tmp_path, path, 100)
