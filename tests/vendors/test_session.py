"""The connections to a vendor: what is sent, and what becomes of an answer that is not whole."""

from __future__ import annotations

import asyncio
import gzip
import ssl

import pytest

from octo.core.errors import NotConnected, Permanent, Timeout, Transient
from octo.vendors import session as module
from tests.connectors.standins import Fault


async def test_a_request_is_json_with_the_key(server, calls):
    async with calls() as api:
        answer = await api.call("POST", "/v1/ask", {"n": 2.0, "text": "é"}, [("a", "1 2"), ("a", "&")])

    (asked,) = server.asked
    assert answer == {"path": "/v1/ask"}
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/ask", {"n": 2, "text": "é"})
    assert asked.query == [("a", "1 2"), ("a", "&")]
    assert asked.headers["authorization"] == "Bearer key-0123456789abcdef"
    assert asked.headers["content-type"] == "application/json"


async def test_an_answer_that_takes_too_long(server, calls):
    """It is not asked for again: that would double the wait."""
    server.fail(Fault(how="silent"))
    async with calls(timeout="50ms") as api:
        with pytest.raises(Timeout, match="has not answered within") as caught:
            await api.call("GET", "/")

    assert (caught.value.code, len(server.asked)) == ("OCTO-W122", 1)


async def test_a_server_that_is_not_there(calls, port):
    async with calls(f"http://127.0.0.1:{port}") as api:
        with pytest.raises(NotConnected, match="cannot connect to Acme: Connection refused") as caught:
            await api.call("GET", "/")

    assert caught.value.code == "OCTO-W121"


async def test_a_certificate_that_nobody_trusts(calls, certificate):
    """Unless `tls` says that it may be trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    url = f"https://localhost:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        async with calls(url, maxAttempts=1) as api:
            with pytest.raises(Permanent, match="self-signed certificate") as caught:
                await api.call("GET", "/")
        async with calls(url, tls={"ca": str(certificate)}) as api:
            assert await api.call("GET", "/") == {}

    assert caught.value.code == "OCTO-W121"


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_an_answer_that_breaks_off(server, calls, how):
    server.fail(*[Fault(how=how)] * 3)
    async with calls() as api:
        with pytest.raises(Transient) as caught:
            await api.call("GET", "/")

    assert (caught.value.code, len(server.asked)) == ("OCTO-W121", 3)


async def test_an_answer_is_bounded_after_decompression(monkeypatch, calls):
    """A small answer may unpack to a huge one."""
    monkeypatch.setattr(module, "MOST", 10_000)
    packed = gzip.compress(b'{"a": "' + b"x" * 1_000_000 + b'"}')

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
        writer.write(head.encode() + packed)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening, calls(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}") as api:
        with pytest.raises(Permanent, match="more than 10,000 bytes") as caught:
            await api.call("GET", "/")

    assert caught.value.code == "OCTO-W128"


async def test_a_redirect_is_not_followed(server, calls):
    """Another server must not get the key."""
    server.fail(Fault(307, headers={"Location": f"{server.url}/elsewhere"}))
    async with calls() as api:
        with pytest.raises(Permanent):
            await api.call("GET", "/")

    assert [each.path for each in server.asked] == ["/"]


async def test_a_cancelled_call_closes_its_connection(server, calls):
    server.fail(Fault(how="silent"))
    async with calls() as api, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(api.call("GET", "/"))
        while not server.asked:
            await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()


async def test_the_environment_may_name_a_proxy(server, calls, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "direct.test")
    async with calls("http://acme.test") as api:
        assert await api.call("GET", "/x") == {"path": "http://acme.test/x"}
    assert server.asked[0].headers["host"] == "acme.test"
    async with calls("http://direct.test", maxAttempts=1) as api:
        with pytest.raises(Transient):
            await api.call("GET", "/x")
