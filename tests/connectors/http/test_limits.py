"""Limits on what a client may do; requests beyond them cost little."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from types import SimpleNamespace

import pytest

from octo.connectors.http import Route, Server
from octo.connectors.http.endpoint import Endpoint
from octo.connectors.http.gate import Gate
from octo.testing.clock import virtual

HEAD = b" / HTTP/1.1\r\nHost: x\r\n"


async def test_a_body_that_announces_too_much_is_refused_unread(site):
    """413 because of the length alone; the flow does not run."""
    async with site.route(maxBodyBytes=10) as inlet:
        status, headers, text = await site.ask("POST", data=b'"' + b"x" * 9 + b'"')
        fits, _, _ = await site.ask("POST", data=b'"' + b"x" * 8 + b'"')

    assert (status, headers["connection"]) == (413, "close")
    assert json.loads(text) == {"error": "request body too large", "detail": "the limit is 10 bytes"}
    assert fits == 200
    assert len(inlet.messages) == 1


async def test_a_body_that_grows_too_large_is_refused_on_the_way(site):
    """100 MB in chunks: memory stays where it was."""
    sent = 0

    async def endless():
        nonlocal sent
        for _ in range(1600):
            yield b"x" * 65536
            sent += 65536

    async with site.route():
        tracemalloc.start()
        try:
            status, _, _ = await site.ask("POST", data=endless())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert status == 413
    assert sent < 100_000_000
    assert peak < 20_000_000


async def test_a_chunked_body_may_be_as_large_as_the_limit(site):
    """But not a byte larger."""

    async def chunks(size):
        yield b'"'
        yield b"x" * (size - 2)
        yield b'"'

    async with site.route(maxBodyBytes=10) as inlet:
        statuses = [(await site.ask("POST", data=chunks(size)))[0] for size in (10, 11)]

    assert statuses == [200, 413]
    assert [message.body for message in inlet.messages] == ["x" * 8]


async def test_a_slow_body_is_408(serve):
    """`readTimeout` limits it, and the connection is closed."""
    async with serve(readTimeout="50ms") as site, site.route() as inlet:
        answer = await site.raw(b"POST" + HEAD + b"Content-Length: 10\r\n\r\n123")
        chunked = await site.raw(b"POST" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert chunked.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nconnection: close\r\n" in answer
    assert inlet.messages == []


async def test_the_request_timeout_bounds_the_body_too(serve):
    """If there is no `readTimeout`."""
    async with serve(requestTimeout="50ms") as site, site.route():
        answer = await site.raw(b"POST" + HEAD + b"Content-Length: 10\r\n\r\n123")

    assert answer.startswith(b"HTTP/1.1 408 ")


@virtual()
async def test_the_flow_gets_what_the_body_left_of_the_timeout(inlet):
    """The timeout runs from the first byte of the request."""

    class Slow:
        async def __call__(self):
            await asyncio.sleep(2)
            return b"1"

        def response_bytes(self, status, headers, body):
            assert (status, body) == (200, b"1")

    flow = inlet()
    route = Route(path="/", timeout="5s")
    endpoint = Endpoint(Server(), route, flow, Gate(9), None)
    scope = SimpleNamespace(method="POST", path="/", query_string="", headers={"content-length": "1"})
    await endpoint.serve(scope, Slow(), ())

    assert flow.timeouts == [3.0]


@pytest.mark.parametrize("start", [b"", b"GE", b"GET" + HEAD])
async def test_slow_headers_close_the_connection(serve, start):
    """Slow loris: however many of the headers have come."""
    async with serve(readTimeout="50ms") as site, site.route() as inlet:
        assert await site.raw(start) == b""

    assert inlet.messages == []


async def test_idle_connections_close(serve):
    """After the response to the first request."""
    async with serve(idleTimeout="50ms") as site, site.route():
        answer = await site.raw(b"GET" + HEAD + b"\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_keep_alive_can_be_off(serve):
    """Then the server closes after one response."""
    async with serve(keepAlive=False) as site, site.route():
        answer = await site.raw(b"GET" + HEAD + b"\r\n")

    assert b"connection: close" in answer


async def test_too_many_headers_are_431(serve):
    """By bytes and by number."""
    async with serve(maxHeaderBytes=8192) as site, site.route() as inlet:
        large = await site.raw(b"GET" + HEAD + b"X: " + b"a" * 20_000 + b"\r\n\r\n")
        many = await site.raw(b"GET" + HEAD + b"".join(b"X%d: 1\r\n" % i for i in range(200)) + b"\r\n")

    assert large.startswith(b"HTTP/1.1 431 ")
    assert many.startswith(b"HTTP/1.1 431 ")
    assert inlet.messages == []


async def test_one_request_too_many_is_503_at_once(serve):
    """The limit counts requests under way; when one ends there is room again."""
    release = asyncio.Event()
    entered = asyncio.Event()

    async def hold(message):
        entered.set()
        await release.wait()
        return message

    async with serve(maxConcurrentRequests=1) as site, site.route(hold), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(site.ask())
        await entered.wait()
        status, headers, text = await site.ask()
        release.set()
        again = (await first)[0], (await site.ask())[0]

    assert (status, headers["retry-after"]) == (503, "1")
    assert json.loads(text) == {"error": "server is overloaded"}
    assert again == (200, 200)


async def test_a_request_with_a_body_counts_once(serve):
    """First while the body arrives, then while the flow works."""
    release = asyncio.Event()
    entered = asyncio.Event()

    async def hold(message):
        entered.set()
        await release.wait()
        return message

    async with serve(maxConcurrentRequests=2) as site, site.route(hold), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(site.ask("POST", data=b"1"))
        await entered.wait()
        second = tasks.create_task(site.ask("POST", data=b"2"))
        release.set()

    assert [(await each)[0] for each in (first, second)] == [200, 200]


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n\x00\x01",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET /\r\n\r\n",
        b"POST" + HEAD + b"Content-Length: abc\r\n\r\n",
        b"POST" + HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"POST" + HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /%ff%00%2e%2e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
)
async def test_nonsense_does_not_disturb_the_server(serve, request_):
    """It is answered or cut off, and the next request is served."""
    async with serve(readTimeout="100ms") as site, site.route(path="/ok"):
        answer = await site.raw(request_)
        status, _, _ = await site.ask("GET", "/ok")

    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert status == 200
