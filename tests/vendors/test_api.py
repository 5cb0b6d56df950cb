"""Calls to vendors end in an answer, or in an error that says who must act."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ssl

import pytest

from octo.core import clock, errors
from octo.core.deadline import Deadline
from octo.core.errors import NotConnected, Overloaded, Permanent, Timeout, Transient
from octo.core.message import Message
from octo.core.settings import Secret
from octo.vendors import api as module
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


CASES = [
    (401, Permanent, "OCTO-W123", 1),
    (403, Permanent, "OCTO-W123", 1),
    (404, Permanent, "OCTO-W125", 1),
    (422, Permanent, "OCTO-W125", 1),
    (302, Permanent, "OCTO-W125", 1),
    (432, Permanent, "OCTO-W124", 1),
    (429, Overloaded, "OCTO-W124", 3),
    (500, Transient, "OCTO-W126", 3),
    (503, Transient, "OCTO-W126", 3),
    (529, Transient, "OCTO-W126", 3),
    (501, Permanent, "OCTO-W126", 1),
]


@pytest.mark.parametrize(("status", "kind", "code", "attempts"), CASES)
async def test_what_a_status_means(server, calls, status, kind, code, attempts):
    """What may pass is asked for again, up to `maxAttempts` times."""
    server.fail(*[Fault(status, '{"error": {"message": "because of that"}}')] * 3)
    async with calls() as api:
        with pytest.raises(kind, match=f"Acme answered {status}: because of that") as caught:
            await api.call("GET", "/")

    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.status, len(server.asked)) == (code, status, attempts)


async def test_a_second_attempt_may_succeed(server, calls):
    server.fail(Fault(503), Fault(how="reset"))
    async with calls() as api:
        assert await api.call("GET", "/x") == {"path": "/x"}
        assert api.pauses == [0.5, 1.0]


async def test_the_pause_is_the_one_that_the_vendor_asks_for(server, calls):
    later = clock.now() + dt.timedelta(seconds=20)
    server.fail(
        Fault(429, headers={"Retry-After": "7"}),
        Fault(503, headers={"Retry-After": later.strftime("%a, %d %b %Y %H:%M:%S GMT")}),
    )
    async with calls() as api:
        await api.call("GET", "/")
        first, second = api.pauses

    assert first == 7.0
    assert 15 < second <= 20


async def test_a_pause_that_is_too_long_is_not_made(server, calls):
    """The flow hears of it at once, with the seconds for whoever retries."""
    server.fail(Fault(429, headers={"Retry-After": "3600"}))
    async with calls() as api:
        with pytest.raises(Overloaded) as caught:
            await api.call("GET", "/")
        assert (api.pauses, caught.value.retry_after) == ([], 3600.0)


@pytest.mark.parametrize("text", ["soon", "-5", "nan", "inf", "Mon, 99 Foo 2026"])
async def test_a_pause_that_cannot_be_read_is_none(server, calls, text):
    server.fail(Fault(429, headers={"Retry-After": text}))
    async with calls() as api:
        await api.call("GET", "/")
        assert api.pauses == [0.0 if text == "-5" else 0.5]


async def test_no_pause_passes_the_deadline(server, calls):
    server.fail(Fault(503, headers={"Retry-After": "25"}))
    async with calls() as api:

        async def work():
            with pytest.raises(Transient):
                await api.call("GET", "/")
            return Message()

        await Deadline("the flow", 20.0).of(work())
        assert api.pauses == []


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


@pytest.mark.parametrize("body", ['{"a": ', "<html>log in</html>", "[1]", '"text"', "{" * 5000, '{"a": NaN}'])
async def test_an_answer_that_is_no_json_object(server, calls, body):
    server.fail(Fault(200, body))
    async with calls() as api:
        with pytest.raises(Permanent, match="cannot be read") as caught:
            await api.call("GET", "/")

    assert caught.value.code == "OCTO-W127"


async def test_an_answer_without_a_body_is_an_empty_object(server, calls):
    server.fail(Fault(200, ""))
    async with calls() as api:
        assert await api.call("GET", "/") == {}


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


async def test_a_vendor_that_repeats_the_key_does_not_reveal_it(server, calls):
    secret = Secret("key-0123456789abcdef").get_secret_value()
    server.fail(Fault(401, f'{{"detail": {{"error": "wrong key {secret}"}}}}'))
    async with calls() as api:
        with pytest.raises(Permanent, match="wrong key «secret»"):
            await api.call("GET", "/")


async def test_what_a_vendor_says_is_cut(server, calls):
    server.fail(Fault(400, "<p>" + "x" * 100_000))
    async with calls() as api:
        with pytest.raises(Permanent) as caught:
            await api.call("GET", "/")

    assert len(str(caught.value)) < 400


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
        with pytest.raises(errors.Transient):
            await api.call("GET", "/x")


def test_an_error_of_every_code_is_explained():
    from octo.vendors import codes

    assert set(codes.EXPLANATIONS) == {value for name, value in vars(codes).items() if str(value).startswith("OCTO-")}
