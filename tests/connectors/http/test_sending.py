"""Bytes that are too many for memory."""

from __future__ import annotations

import os

import pytest

from octo.connectors.http.sending import PIECE
from octo.core.content import raw
from octo.core.message import Message
from octo.core.spool import Spool


def content(data: bytes):
    spool = Spool(0)
    spool.write(data)
    return spool.finish()


@pytest.mark.parametrize("size", [1, PIECE, PIECE + 1, 3 * PIECE + 5])
async def test_content_is_sent_as_it_is(site, size):
    """Whatever its size, with its length, and the connection goes on."""
    data = os.urandom(size)
    message = Message(raw(content(data), "image/png"), {}, raw=True)
    async with site.route(lambda _: message):
        for _ in range(2):
            async with site.client.get(site.http.url) as response:
                assert await response.read() == data
                assert response.headers["Content-Length"] == str(size)
                assert response.headers["Content-Type"] == "image/png"
        head = await site.ask("HEAD")

    assert (head[0], head[1]["Content-Length"], head[2]) == (200, str(size), "")


async def test_a_flow_that_waits_sends_it_too(site):
    """Its answer comes from a task."""
    data = bytes(2 * PIECE)

    async def answer():
        return Message(raw(content(data), "x/y"), {}, raw=True)

    async with site.route(lambda _: answer()), site.client.get(site.http.url) as response:
        assert await response.read() == data


async def test_a_client_that_leaves_ends_it(site):
    """The rest is not read, and the next client is served."""
    async with site.route(lambda _: Message(raw(content(bytes(20_000_000)), "x/y"), {}, raw=True)):
        response = await site.client.get(site.http.url)
        await response.content.read(1)
        response.close()
        async with site.client.get(site.http.url) as again:
            assert len(await again.read()) == 20_000_000


async def test_bytes_and_texts_are_sent_as_they_are(site):
    """A text that looks like base64 stays that text."""
    bodies = [b"\x00\xff", "aGVsbG8=", "ä"]
    for body in bodies:
        message = Message({"contentType": "text/plain", "rawData": body}, {}, raw=True)
        async with site.route(lambda _, message=message: message), site.client.get(site.http.url) as response:
            assert await response.read() == (body if isinstance(body, bytes) else body.encode())
