"""Responses that are sent piece by piece: their framing, their end, and a client that is slow or goes away."""

from __future__ import annotations

import asyncio

import pytest

from octo.connectors.http.connection import Connection
from octo.connectors.http.limit import Deadline
from octo.testing.clock import settle, virtual

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


class Wire:
    """A transport in memory."""

    def __init__(self) -> None:
        self.sent = b""
        self.is_over = self.is_aborted = False

    def write(self, data):
        self.sent += data

    def close(self):
        self.is_over = True

    write_eof = close

    def abort(self):
        self.is_over = self.is_aborted = True

    def is_closing(self):
        return self.is_over

    def can_write_eof(self):
        return True

    def pause_reading(self):
        pass

    resume_reading = pause_reading

    def get_write_buffer_size(self):
        return 0

    def get_extra_info(self, name):
        return None


class Server:
    """Begins a stream for each request."""

    most_head = 8192
    keeps = True
    is_leaving = False
    is_stopping = False

    def __init__(self) -> None:
        self.quiet = Deadline(10.0, lambda connection: connection.expire())
        self.streams = []
        self.calls = []

    def come(self, connection):
        pass

    left = come

    def serve(self, call):
        self.calls.append(call)
        self.streams.append(call.proto.stream(200, [("content-type", "text/plain")]))
        call.done()


@pytest.fixture
async def side():
    """The server, the wire and the connection between them."""
    server, wire = Server(), Wire()
    connection = Connection(server)
    connection.connection_made(wire)
    yield server, wire, connection
    connection.connection_lost(None)


async def test_pieces_are_chunks_and_the_connection_is_kept(side):
    server, wire, connection = side
    connection.data_received(GET + GET)
    (stream,) = server.streams
    head, _, body = wire.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ndate: ")
    assert b"transfer-encoding: chunked" in head
    assert b"content-length" not in head
    assert body == b""

    stream.send(b"hello")
    stream.send(b"")
    stream.send(b"x" * 17)
    stream.end()
    stream.send(b"late")
    assert wire.sent[len(head) + 4 :].startswith(b"5\r\nhello\r\n11\r\n" + b"x" * 17 + b"\r\n0\r\n\r\nHTTP/1.1 200 OK")
    assert len(server.streams) == 2
    assert not stream.is_open
    assert not wire.is_over


async def test_to_an_old_client_the_end_is_the_close(side):
    server, wire, connection = side
    connection.data_received(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    server.streams[0].send(b"hello")
    assert b"chunked" not in wire.sent
    assert wire.sent.endswith(b"\r\nconnection: close\r\n\r\nhello")
    assert not wire.is_over
    server.streams[0].end()
    assert wire.is_over


async def test_head_has_no_body(side):
    server, wire, connection = side
    connection.data_received(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not server.streams[0].is_open
    server.streams[0].send(b"hello")
    assert wire.sent.endswith(b"\r\n\r\n")
    assert b"hello" not in wire.sent
    connection.data_received(GET)
    assert len(server.streams) == 2


async def test_behind_a_body_that_nobody_read_the_connection_closes(side):
    server, wire, connection = side
    connection.data_received(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
    assert b"connection: close" in wire.sent
    server.streams[0].end()
    assert wire.is_over


async def test_a_server_that_stops_closes_after_the_end(side):
    server, wire, connection = side
    connection.data_received(GET)
    server.is_stopping = True
    connection.stop()
    assert not wire.is_over
    server.streams[0].end()
    assert wire.sent.endswith(b"0\r\n\r\n")


@virtual()
async def test_who_sends_waits_while_the_client_does_not_take_it(side):
    server, _, connection = side
    connection.data_received(GET)
    (stream,) = server.streams
    await stream.room()

    connection.pause_writing()
    assert stream.is_full
    waiting = [asyncio.get_running_loop().create_task(stream.room()) for _ in range(2)]
    await settle()
    assert not any(each.done() for each in waiting)

    connection.resume_writing()
    await asyncio.gather(*waiting)
    assert not stream.is_full


@pytest.mark.parametrize("how", ["closed", "ended", "aborted"])
@virtual()
async def test_nobody_waits_for_a_client_that_is_gone(side, how):
    server, wire, connection = side
    connection.data_received(GET)
    (stream,) = server.streams
    connection.pause_writing()
    waiting = asyncio.get_running_loop().create_task(stream.room())
    await settle()

    {"closed": lambda: connection.connection_lost(None), "ended": connection.eof_received, "aborted": stream.abort}[
        how
    ]()
    await waiting
    assert not stream.is_open
    assert wire.is_aborted is (how == "aborted")
    before = wire.sent
    stream.send(b"late")
    stream.end()
    assert wire.sent == before


async def test_only_the_first_response_counts(side):
    server, wire, connection = side
    connection.data_received(GET)
    server.calls[0].proto.response_bytes(500, [], b"")
    second = server.calls[0].proto.stream(200, [])
    assert not second.is_open
    assert wire.sent.count(b"HTTP/1.1") == 1
