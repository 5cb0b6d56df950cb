"""Requests are read within limits and answered as HTTP/1.1 requires."""

from __future__ import annotations

import asyncio
import re

import pytest

from octo.operations.http import MOST_BODY, MOST_HEADER, Conversation
from octo.operations.web import Response, as_json, text
from octo.testing.clock import virtual


class Written:
    """A stream writer that keeps what is written to it."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data

    async def drain(self):
        await asyncio.sleep(0)


async def echo(request):
    return as_json(
        [request.method, request.path, dict(request.query), request.headers.get("host"), request.body.decode()]
    )


async def talk(sent, serve=echo, *, hang=False):
    """Return the answer to these bytes."""
    reader, writer = asyncio.StreamReader(), Written()
    reader.feed_data(sent)
    if not hang:
        reader.feed_eof()
    await Conversation(serve, reader, writer).run()
    return writer.data


def statuses(answer):
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+)", answer)]


async def test_a_request_is_read_and_answered():
    answer = await talk(b"PUT /a%20b?x=1&y= HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")

    head, body = answer.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"x-content-type-options: nosniff" in head
    assert b"content-type: application/json" in head
    assert body.split() == b'[ "PUT", "/a b", { "x": "1", "y": "" }, "h", "hi" ]'.split()


async def test_a_head_within_the_limit_is_read_whatever_the_body():
    head = b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nX: " % MOST_BODY
    answer = await talk(head + b"x" * (MOST_HEADER - len(head) - 4) + b"\r\n\r\n" + b"y" * MOST_BODY)

    assert statuses(answer) == [200]


async def test_several_requests_share_a_connection():
    answer = await talk(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 3)

    assert statuses(answer) == [200, 200, 200]


async def test_head_has_the_length_and_no_body():
    answer = await talk(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")

    assert b"content-length: " in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * MOST_HEADER, 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * MOST_HEADER + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * (MOST_HEADER // 6) + b"\r\n", 431),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (MOST_BODY + 1), 413),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400),
    ],
)
async def test_what_is_wrong_or_too_large_is_refused_and_ends_the_connection(sent, status):
    answer = await talk(sent, hang=True)

    assert statuses(answer) == [status]
    assert b"connection: close" in answer


@virtual()
async def test_who_sends_nothing_or_drop_by_drop_is_left():
    """There is no answer, and the conversation ends by itself."""
    assert await talk(b"", hang=True) == b""
    assert await talk(b"GET / HT", hang=True) == b""
    assert statuses(await talk(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", hang=True)) == [200]


async def test_a_client_that_leaves_in_the_middle_is_no_error():
    assert statuses(await talk(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhal")) == [400]


async def test_a_stream_is_sent_piece_by_piece_and_closes():
    async def pieces():
        yield b"one"
        yield b"two"

    async def stream(request):
        return Response(200, pieces())

    answer = await talk(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", stream, hang=True)

    assert b"transfer-encoding: chunked" in answer.lower()
    assert b"connection: close" in answer
    assert answer.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


async def test_a_stream_ends_when_its_reader_has_gone():
    closed = asyncio.Event()

    async def pieces():
        try:
            yield b"one"
            await asyncio.Event().wait()
        finally:
            closed.set()

    async def stream(request):
        return Response(200, pieces())

    with pytest.raises(ConnectionResetError):
        await talk(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", stream)

    assert closed.is_set()


async def test_head_of_a_stream_does_not_start_it():
    started = []

    async def pieces():
        started.append(True)
        yield b"one"

    async def stream(request):
        return Response(200, pieces())

    answer = await talk(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", stream, hang=True)

    assert statuses(answer) == [200]
    assert started == []


async def test_no_header_comes_from_a_request():
    async def plain(request):
        return text(request.path)

    answer = await talk(b"GET /%0d%0aset-cookie:x HTTP/1.1\r\nHost: h\r\n\r\n", plain)

    assert b"set-cookie" not in answer.split(b"\r\n\r\n")[0]


async def test_a_server_may_take_larger_bodies():
    reader, writer = asyncio.StreamReader(), Written()
    reader.feed_data(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY + 1))
    reader.feed_data(b"y" * (MOST_BODY + 1))
    reader.feed_eof()

    await Conversation(echo, reader, writer, most_body=MOST_BODY + 1).run()

    assert statuses(writer.data) == [200]
