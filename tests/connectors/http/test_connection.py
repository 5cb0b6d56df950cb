"""Connections, with the bytes that clients send and get: what is refused, and in which order things happen."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from contextlib import closing
from http.client import HTTPConnection

import pytest

from octo.connectors.http import connection as connection_
from octo.connectors.http.call import Truncated
from octo.connectors.http.connection import Connection
from octo.connectors.http.exchange import Exchange
from octo.connectors.http.limit import Deadline
from octo.testing.clock import settle, virtual

HOST = b"Host: x\r\n"
CLOSE = b"Connection: close\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"


def statuses(answer: bytes) -> list[int]:
    """The statuses of the responses in these bytes."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",  # no host
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1]evil.com\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",  # a folded line
        b"GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
        b"GET / HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://a:b@c/ HTTP/1.1\r\nHost: c\r\n\r\n",
        b"GET ftp://c/ HTTP/1.1\r\nHost: c\r\n\r\n",
        b"GET http://c/ HTTP/1.1\r\nHost: c\r\nHost: d\r\n\r\n",
        POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"Content-Length: 1\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n1",
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n12",
        POST + b"Content-Length: 1, 1\r\n\r\n1",
        POST + b"Content-Length: +1\r\n\r\n1",
        POST + b"Content-Length: -1\r\n\r\n1",
        POST + b"Content-Length: 0x1\r\n\r\n1",
        POST + b"Content-Length:\r\n\r\n1",
        POST + b"Content-Length: 99999999999999999999\r\n\r\n1",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n1\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n1\r\n1\n0\r\n\r\n",
        CHUNKED + b"\r\n1;a\nb\r\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n0x1\r\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n-1\r\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n1 \r\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\nfffffffffffffffff\r\n1\r\n0\r\n\r\n",
        CHUNKED + b"\r\n1\r\n12\r\n0\r\n\r\n",
    ],
)
async def test_what_peers_could_read_differently_is_400(site, request_):
    """And the connection closes, so that no second request hides in the first."""
    async with site.route() as inlet:
        answer = await site.raw(request_ + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    assert statuses(answer) == [400]
    assert answer.count(b"\r\nconnection: close\r\n") == 1
    assert json.loads(answer.split(b"\r\n\r\n")[1])["detail"]
    assert inlet.messages == []


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost:\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n",
        b"GET / HTTP/1.1\r\nHost: a.b:80\r\n",
        b"GET http://a HTTP/1.1\r\nHost: b\r\n",
        b"GET HTTP://a/ HTTP/1.1\r\nHost: b\r\n",
        b"GET / HTTP/1.0\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n",
    ],
)
async def test_what_is_unusual_but_right_is_served(site, request_):
    """Also an offer of another protocol, which is not taken up."""
    async with site.route():
        answer = await site.raw(request_ + CLOSE + b"\r\n")

    assert statuses(answer) == [200]


async def test_the_address_in_the_target_wins_over_the_host_header(site):
    """RFC 9112, section 3.2.2."""
    async with site.route(headers=["Host"], path="/a") as inlet:
        await site.raw(b"GET http://right:1/a?b=c HTTP/1.1\r\nHost: wrong\r\n" + CLOSE + b"\r\n")

    assert inlet.messages[0].vars["Host"] == "right:1"
    assert inlet.messages[0].vars["query"] == {"b": "c"}


@pytest.mark.parametrize("method", [b"CONNECT x:1", b"CONNECT /"])
async def test_connect_is_no_request_for_a_flow(site, method):
    """The server is no proxy."""
    async with site.route() as inlet:
        answer = await site.raw(method + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    assert statuses(answer)[0] in (400, 501)
    assert inlet.messages == []


async def test_options_of_the_whole_server_are_no_request_for_a_flow(site):
    """`*` is no path, not even for a route that serves all of them."""
    async with site.route(path="/") as everything, site.route(path="/{$}") as root:
        answer = await site.raw(b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert statuses(answer) == [404]
    assert everything.messages == root.messages == []


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 431)])
@pytest.mark.parametrize("pieces", [1, 3])
async def test_the_limit_of_the_headers_is_exact(serve, more, status, pieces):
    """In bytes, from the method to the empty line, however they arrive."""
    start, end = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ", b"\r\n\r\n"
    whole = start + b"a" * (65_536 + more - len(start) - len(end)) + end
    async with serve() as site, site.route():
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        size = -(-len(whole) // pieces)
        for at in range(0, len(whole), size):
            writer.write(whole[at : at + size])
            await writer.drain()
            await asyncio.sleep(0)
        answer = await reader.read()
        writer.close()

    assert statuses(answer) == [status]


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"GET / HTTP/1.1\r\nX:"])
@pytest.mark.parametrize("filler", [b"a", b" "])
async def test_a_head_without_an_end_is_refused_at_the_limit(serve, start, filler):
    """Of 100 kB, not a byte is kept for longer; spaces count too."""
    async with serve() as site, site.route() as inlet:
        answer = await site.raw(start + filler * 100_000 + b"\r\nHost: x\r\n\r\n" if start else b"G" * 100_000)

    assert statuses(answer)[0] in (400, 414, 431)
    assert inlet.messages == []


async def test_a_target_that_is_too_long_is_414(serve):
    """Together with what follows or alone."""
    target = b"GET /" + b"a" * 70_000
    async with serve() as site, site.route():
        answers = [await site.raw(target), await site.raw(target + b" HTTP/1.1\r\nHost: x\r\n\r\n")]

    assert [statuses(each) for each in answers] == [[414], [414]]


@pytest.mark.parametrize(("count", "status"), [(98, 200), (99, 431)])
async def test_a_request_has_at_most_100_headers(site, count, status):
    lines = b"".join(b"X: %d\r\n" % number for number in range(count))
    async with site.route():
        answer = await site.raw(b"GET / HTTP/1.1\r\nHost: x\r\n" + CLOSE + lines + b"\r\n")

    assert statuses(answer) == [status]


async def test_requests_that_come_at_once_are_answered_in_their_order(site):
    """Also if the first waits and the second does not."""
    release = asyncio.Event()

    async def answer(message):
        await release.wait()
        return message.with_body(message.vars["query"]["n"])

    def choose(message):
        if message.vars["query"]["n"] == "1":
            asyncio.get_running_loop().call_soon(release.set)
            return answer(message)
        return message.with_body(message.vars["query"]["n"])

    requests = b"".join(b"GET /?n=%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(1, 60))
    last = b"GET /?n=60 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with site.route(choose):
        said = await site.raw(requests + last)

    bodies = [part.split(b"\r\n\r\n")[1] for part in said.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b'"%d"' % number for number in range(1, 61)]


async def test_what_was_right_before_a_malformed_request_is_answered(site):
    """Then the malformed one is, and the connection closes."""
    async with site.route():
        answer = await site.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")

    assert statuses(answer) == [200, 400]


async def test_nothing_behind_the_last_request_is_served(site):
    """`Connection: close` means that no further request comes."""
    async with site.route() as inlet:
        answer = await site.raw(b"GET / HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")

    assert statuses(answer) == [200]
    assert len(inlet.messages) == 1


@pytest.mark.parametrize("framing", [b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n"])
async def test_a_client_is_told_to_go_on_with_the_body(site, framing):
    """`Expect: 100-continue`, e.g. of curl: before the body, and only if it is wanted."""
    async with site.route(maxBodyBytes=10) as inlet:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(POST + CLOSE + framing + b"Expect: 100-continue\r\n\r\n")
        told = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"123" if framing.startswith(b"Content") else b"3\r\n123\r\n0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        refused = await site.raw(POST + b"Content-Length: 11\r\nExpect: 100-continue\r\n\r\n")
        unknown = await site.raw(POST + b"Content-Length: 1\r\nExpect: tea\r\n\r\n1")

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert statuses(answer) == [200]
    assert [message.body for message in inlet.messages] == [123]
    assert statuses(refused) == [413]
    assert statuses(unknown) == [417]


async def test_an_old_client_may_keep_its_connection(site):
    """HTTP/1.0 closes by default."""
    async with site.route():
        kept = await site.raw(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n")

    assert statuses(kept) == [200, 200]
    assert kept.count(b"connection: keep-alive") == 1


@pytest.mark.parametrize("body", [b"", b"Content-Length: 1\r\n\r\n1"])
async def test_a_client_that_ends_its_side_gets_its_answer(site, body):
    """From a flow that does not wait, like `nc -N`."""
    async with site.route():
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(POST + (body or b"\r\n"))
        writer.write_eof()
        answer = await reader.read()
        writer.close()

    assert statuses(answer) == [200]


async def test_head_says_the_length_of_what_it_does_not_send(site):
    async with site.route(lambda message: message.with_body("four")):
        answer = await site.raw(b"HEAD / HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n")

    assert b"\r\ncontent-length: 6\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_a_client_that_does_not_read_is_not_served_without_end(serve):
    """Its responses would fill the memory: it has to take them before more of its requests are served."""
    async with serve() as site, site.route(lambda message: message.with_body("x" * 100_000)) as inlet:
        _, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5000)
        while not inlet.messages:
            await asyncio.sleep(0)
        for _ in range(2000):
            await asyncio.sleep(0)
        served = len(inlet.messages)
        writer.close()

    assert 0 < served < 1000


async def test_one_connection_does_not_keep_the_others_waiting(site):
    """Of many requests that come in one piece, a few are served before others get their turn."""
    order = []

    def note(message):
        order.append(message.vars["query"]["who"])
        return message

    async with site.route(note):
        many, few = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(2)]
        many[1].write(b"GET /?who=many HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
        few[1].write(b"GET /?who=few HTTP/1.1\r\nHost: x\r\n\r\n")
        await few[0].readuntil(b"\r\n\r\n")
        for _, writer in (many, few):
            writer.close()

    assert order.index("few") < 250


# --- however the bytes arrive ------------------------------------------------------------------------------------

UPGRADE = b"Connection: upgrade\r\nUpgrade: h2c\r\n"
INNER = b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Wire:
    """A transport in memory."""

    def __init__(self) -> None:
        self.sent = b""
        self.waiting = 0
        self.is_over = False

    def get_write_buffer_size(self):
        return self.waiting

    def get_extra_info(self, name):
        return None

    def write(self, data):
        self.sent += data

    def close(self):
        self.is_over = True

    abort = write_eof = close

    def is_closing(self):
        return False

    def can_write_eof(self):
        return True

    def pause_reading(self):
        pass

    resume_reading = pause_reading


class Echo:
    """A server whose answers say what it was asked: the path, and how the body was."""

    most_head = 8192
    keeps = True
    is_leaving = False
    is_stopping = False

    def __init__(self) -> None:
        self.quiet = Deadline(10.0, lambda connection: connection.expire())
        self.tasks = []

    def come(self, connection):
        pass

    left = come

    def serve(self, call):
        self.tasks.append(asyncio.get_running_loop().create_task(self._answer(call)))

    async def _answer(self, call):
        try:
            if call.scope.path == "/pieces":
                body = b"".join([piece async for piece in call.proto])
            else:
                body = await call.proto()
        except Truncated:
            call.proto.response_bytes(400, [], b"")
        else:
            call.proto.response_bytes(200, [], call.scope.path.encode() + b"?" + body)
        call.done()


async def said(pieces):
    """The statuses and bodies of the answers to these bytes, and whether the connection is over."""
    server, wire = Echo(), Wire()
    connection = Connection(server)
    connection.connection_made(wire)
    for piece in pieces:
        connection.data_received(piece)
        await settle()
    for task in server.tasks:
        task.cancel()
    answers = [part.split(b"\r\n\r\n", 1) for part in wire.sent.split(b"HTTP/1.1 ")[1:]]
    return [(int(head[:3]), body) for head, body in answers], wire.is_over


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            b"POST /pieces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n"
            b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + LAST,
            [b"/pieces?abcde", b"/b?hello", b"/last?"],
        ),
        (b"GET /a HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n" + LAST, [b"/a?", b"/last?"]),
        (
            b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(INNER) + UPGRADE + b"\r\n" + INNER + LAST,
            [b"/a?" + INNER, b"/last?"],
        ),
        (
            b"POST /pieces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            + UPGRADE
            + b"\r\n%x\r\n" % len(INNER)
            + INNER
            + b"\r\n0\r\n\r\n"
            + LAST,
            [b"/pieces?" + INNER, b"/last?"],
        ),
        (b"\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\n" + LAST, [b"/a?", b"/last?"]),
        (b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\n\r\n" + LAST, [b"/a?", 400]),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX" + LAST, [400]),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n" + LAST, [501]),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nX: y\n\r\n" + LAST, [400]),
    ],
)
@virtual()
async def test_it_does_not_matter_how_the_bytes_are_cut(request_, expected):
    """At every place, and into single bytes: the same requests, and no body is taken for a request."""
    found, is_over = await said([request_])

    assert [body if status == 200 else status for status, body in found] == expected
    assert is_over
    cuts = [[request_[:at], request_[at:]] for at in range(1, len(request_))]
    for pieces in (*cuts, [bytes([each]) for each in request_]):
        assert await said(pieces) == (found, is_over)


@pytest.mark.parametrize("start", [b"0\r\nX: ", b"0\r\n", b"1;", b'1;a="', b"1\r\na\r\n1;"])
@virtual()
async def test_what_surrounds_the_pieces_of_a_body_is_limited(start):
    """Trailers and extensions: one that has no end would be kept, and copied with each of its pieces."""
    server, wire = Echo(), Wire()
    connection = Connection(server)
    connection.connection_made(wire)
    connection.data_received(b"POST /pieces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + start)
    count = 0
    while not wire.sent and count < 100:
        connection.data_received(b"a" * 1000)
        await settle()
        count += 1

    assert statuses(wire.sent) == [400]
    assert count <= 9


@pytest.mark.parametrize("body", [b"", b"Content-Length: 9\r\n\r\n123"])
@virtual()
async def test_nothing_is_left_of_a_connection_that_ended_before_its_request(body):
    """Not even for the garbage collector, which a service hardly ever runs."""
    server = Echo()
    server.serve = lambda call: None
    connection = Connection(server)
    connection.connection_made(Wire())
    connection.data_received(POST + (body or b"\r\n"))
    connection.connection_lost(None)
    gone = weakref.ref(connection)
    gc.disable()
    try:
        del connection
        assert gone() is None
    finally:
        gc.enable()


@virtual()
async def test_a_connection_that_has_ended_is_not_waited_for():
    server, wire = Echo(), Wire()
    connection = Connection(server)
    connection.connection_made(wire)
    connection.data_received(POST + b"Content-Length: 9\r\n\r\n123")
    await settle()
    wire.is_closing = lambda: True
    connection.connection_lost(None)
    await settle()

    assert len(server.quiet) == 0


@pytest.mark.parametrize("target", ["/", "/nowhere"])
async def test_a_client_that_sends_far_too_much_gets_its_answer(site, target):
    """Many send the whole body before they read; if the connection were reset, they would not know why."""

    def send() -> int:
        with closing(HTTPConnection("127.0.0.1", site.port)) as client:
            client.request("POST", target, bytes(20_000_000))
            return client.getresponse().status

    async with site.route(path="/{$}"):
        status = await asyncio.to_thread(send)

    assert status == (413 if target == "/" else 404)


@virtual()
async def test_the_rest_of_a_refused_request_is_read_while_it_comes():
    """But not for longer than a head may take."""
    server, wire = Echo(), Wire()
    wire.write_eof = lambda: None
    connection = Connection(server)
    connection.connection_made(wire)
    connection.data_received(POST + b"Expect: tea\r\nContent-Length: 99\r\n\r\n")
    assert statuses(wire.sent) == [417]
    for _ in range(9):
        assert not wire.is_over
        connection.data_received(b"1")
        await asyncio.sleep(1.0)
    await asyncio.sleep(1.0)

    assert wire.is_over


@virtual()
async def test_many_short_trailers_are_limited_too():
    server, wire = Echo(), Wire()
    connection = Connection(server)
    connection.connection_made(wire)
    connection.data_received(b"POST /pieces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    connection.data_received(b"A: b\r\n" * 10_000)
    await settle()

    assert statuses(wire.sent) == [400]


@virtual()
async def test_requests_behind_one_that_waits_are_not_parsed(monkeypatch):
    """As bytes they need the least room. They are answered all the same, in their order."""
    parsed = []
    monkeypatch.setattr(connection_, "Exchange", lambda *each: parsed.append(each) or Exchange(*each))
    server, wire = Echo(), Wire()
    waiting = []
    server.serve = waiting.append
    connection = Connection(server)
    connection.connection_made(wire)
    connection.data_received(b"".join(b"GET /%d HTTP/1.1\r\nHost:\r\n\r\n" % number for number in range(8000)))
    assert len(waiting) == 1
    assert len(parsed) < 500

    for number in range(8000):
        while len(waiting) <= number:
            await settle()
        assert waiting[number].scope.path == f"/{number}"
        waiting[number].proto.response_bytes(200, [], b"")
    assert len(statuses(wire.sent)) == 8000


@pytest.mark.parametrize(
    "request_",
    [b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1nonsense\r\n"],
)
@virtual()
async def test_a_client_that_is_slow_to_take_its_answer_has_the_time(request_):
    """The time limits for requests do not cut answers; `writeTimeout` does."""
    server, wire = Echo(), Wire()
    wire.write_eof = lambda: None
    connection = Connection(server)
    connection.connection_made(wire)
    wire.waiting = 1
    connection.data_received(request_)
    await asyncio.sleep(100)
    assert not wire.is_over

    wire.waiting = 0
    await asyncio.sleep(100)
    assert wire.is_over


@pytest.mark.parametrize("start", [b"0\r\nX: ", b"1;x=", b"0\r\n"])
@virtual()
async def test_what_stands_around_a_body_is_bounded(start):
    """A trailer, or the extension of a chunk, that never ends."""
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    endless = b"a" * 1000 if start != b"0\r\n" else b"X: y\r\n" * 200
    found, is_over = await said([head, b"3\r\nabc\r\n" + start, *[endless] * 30])

    assert [status for status, _ in found] == [400]
    assert is_over


@virtual()
async def test_small_chunks_are_no_large_frame():
    """However many there are: the body goes on."""
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    found, _ = await said([head, *[b"1\r\na\r\n"] * 4000, b"0\r\n\r\n"])

    assert found == [(200, b"/a?" + b"a" * 4000)]
