"""Requests and answers on a cassette: recorded from a real server, and given again as they were."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from octo.connectors.http_client import Client, HttpClient, Rest
from octo.connectors.http_client.cassette import FORM, RecordedReply, RecordedRequest, label, tells
from octo.connectors.http_client.stub import Stub
from octo.core import secrets
from octo.core.cassette import Cassette
from octo.core.errors import NotConnected, Permanent
from octo.core.message import Message


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch):
    monkeypatch.setattr(secrets, "_secrets", {})
    monkeypatch.setattr(secrets, "_names", {})


@asynccontextmanager
async def client(url, cassette, stub=None, **settings):
    given = Stub.model_validate({"cassette": "c.yaml", **(stub or {})})
    given.insert(cassette)
    async with HttpClient.stub(Client.model_validate({"baseURL": url, **settings}), given) as opened:
        yield opened


async def both(upstream, block, body=None, **settings):
    """What a block makes of the real server, and of the cassette that was recorded; and its only exchange."""
    recorded = Cassette(Path("c.yaml"), FORM, mode="record")
    rest = Rest.model_validate({**block, "headersVar": "headers", "urlVar": "url"})
    async with client(upstream.url, recorded, **settings) as real:
        first = await real.rest(rest, Message(body))
    await upstream.server.close()
    (exchange,) = recorded.exchanges
    RecordedRequest.model_validate(exchange.request)
    RecordedReply.model_validate(exchange.reply)
    async with client(upstream.url, Cassette(Path("c.yaml"), FORM, [exchange]), **settings) as replayed:
        again = await replayed.rest(rest, Message(body))
    assert (again.body, again.vars["statusCode"], again.vars["url"]) == (
        first.body,
        first.vars["statusCode"],
        first.vars["url"],
    )
    return first, exchange


async def test_json_keeps_its_kinds(upstream):
    """A double stays a double, and digits that no double holds are kept."""
    upstream.answer = lambda _: web.Response(
        text='{"a": 1.0, "b": 1, "c": 0.12345678901234567891, "d": null}', content_type="application/json"
    )

    message, exchange = await both(upstream, {"path": "/x", "query": {"b": '["2", "3"]', "a": '"1"'}})

    assert exchange.request == {"method": "GET", "path": "/x", "query": {"a": "1", "b": ["2", "3"]}}
    assert repr(message.body["a"]) == "1.0"


@pytest.mark.parametrize(
    ("kind", "data"),
    [("text/plain; charset=utf-8", "grün".encode()), ("text/plain; charset=latin-1", "grün".encode("latin-1")),
     ("image/png", bytes(range(256))), ("application/json", b"no json"), ("text/html", b"<p>")],
)  # fmt: skip
async def test_any_other_body_is_kept_as_it_is(upstream, kind, data):
    upstream.answer = lambda _: web.Response(body=data, headers={"Content-Type": kind})

    message, exchange = await both(upstream, {"path": "/x"})

    assert exchange.reply["headers"]["content-type"] == kind
    assert message.body["rawData"] in (data, exchange.reply["text"])


async def test_an_answer_without_a_body(upstream):
    upstream.answer = lambda _: web.Response(status=204)

    message, exchange = await both(upstream, {"path": "/x", "method": "DELETE"})

    assert (message.body, exchange.reply) == (None, {"status": 204})


async def test_what_is_about_one_call_is_not_recorded_and_cookies_lose_their_values(upstream):
    def answer(_):
        response = web.json_response(1, headers={"Date": "now", "Server": "x", "X-Request-Id": "1", "X-Kept": "yes"})
        response.set_cookie("session", "a-session-that-is-secret", path="/a")
        response.set_cookie("theme", "dark-and-much-longer-than-that")
        return response

    upstream.answer = answer
    message, exchange = await both(upstream, {"path": "/x"})

    assert exchange.reply["headers"] == {
        "content-type": "application/json; charset=utf-8",
        "set-cookie": ["session=«secret:session»; Path=/a", "theme=«secret:theme»; Path=/"],
        "x-kept": "yes",
    }
    assert len(message.vars["headers"]["set-cookie"]) == 2


async def test_the_end_of_redirects_is_recorded(upstream):
    upstream.answer = lambda request: (
        web.Response(status=302, headers={"Location": "/there"}) if request.path == "/here" else web.json_response(1)
    )

    message, exchange = await both(upstream, {"path": "/here"})

    assert (exchange.request["path"], message.vars["url"]) == ("/here", f"{upstream.url}/there")


@pytest.mark.parametrize(
    ("block", "body", "found"),
    [
        ({"body": "body"}, {"a": 1}, {"body": {"a": 1}}),
        ({"body": "body", "bodyType": "form"}, {"b": "2", "a": "x y"}, {"form": {"a": "x y", "b": "2"}}),
        ({"body": "body", "bodyType": "form"}, {"password": "p"}, {"form": {"password": "«secret:password»"}}),
        ({"body": "body", "bodyType": "raw"}, "plain", {"text": "plain"}),
        ({"body": "body", "bodyType": "raw"}, b"\xff\x00", {"text": b"\xff\x00"}),
        ({"body": "body"}, {}, {"body": {}}),
    ],
)
async def test_bodies_of_requests(upstream, block, body, found):
    _, exchange = await both(upstream, {"path": "/x", "method": "POST", **block}, body)

    assert exchange.request == {"method": "POST", "path": "/x", **found}


async def test_a_multipart_body_is_the_same_each_time(upstream):
    block = {"path": "/x", "method": "POST", "body": "body", "bodyType": "multipart"}

    _, exchange = await both(upstream, block, {"a": "one"})

    assert exchange.request["text"].startswith("--boundary\r\n")


async def test_a_large_body_is_known_by_its_digest(upstream):
    _, exchange = await both(upstream, {"path": "/x", "method": "POST", "body": "body"}, {"a": "x" * 70_000})

    assert exchange.request["digest"].startswith("sha256:")


async def test_answers_of_the_stub_win(upstream):
    stub = {"answers": [{"path": "/down", "error": "connect"}]}
    cassette = Cassette(Path("c.yaml"), FORM, mode="record")
    async with client(upstream.url, cassette, stub, retry={"maxAttempts": 1}) as opened:
        with pytest.raises(NotConnected):
            await opened.rest(Rest.model_validate({"path": "/down"}), Message())
        await opened.rest(Rest.model_validate({"path": "/up"}), Message())

    assert [each.request["path"] for each in cassette.exchanges] == ["/up"]


async def test_the_limit_of_the_connector_holds_for_replies(upstream):
    upstream.answer = lambda _: web.json_response("x" * 500)
    cassette = Cassette(Path("c.yaml"), FORM, mode="record")
    async with client(upstream.url, cassette) as opened:
        await opened.rest(Rest.model_validate({"path": "/x"}), Message())

    async with client(upstream.url, Cassette(Path("c.yaml"), FORM, cassette.exchanges), maxResponseBytes=10) as small:
        with pytest.raises(Permanent, match="larger than"):
            await small.rest(Rest.model_validate({"path": "/x"}), Message())


async def test_a_cassette_does_not_depend_on_where_the_server_is(start):
    """Its path counts, below the base or whole; only an address elsewhere is recorded."""
    upstream, login = await start(), await start()
    login.answer = lambda _: web.json_response({"access_token": "made-by-the-server-1"})
    cassette = Cassette(Path("c.yaml"), FORM, mode="record")
    auth = {"type": "oauth2", "tokenURL": f"{login.url}/token", "clientID": "a", "clientSecret": "quite-a-secret"}
    async with client(f"{upstream.url}/v1", cassette, auth=auth) as opened:
        await opened.rest(Rest.model_validate({"path": "/x"}), Message())

    assert [each.request["path"] for each in cassette.exchanges] == [f"{login.url}/token", "/x"]
    async with client("https://elsewhere.test/v1", Cassette(Path("c.yaml"), FORM, cassette.exchanges)) as opened:
        assert (await opened.rest(Rest.model_validate({"path": "/x"}), Message())).vars["statusCode"] == 200


def test_labels_and_what_tells():
    assert label({"method": "GET", "path": "/a", "query": {"b": ["1", "2"]}}) == "GET /a?b=1&b=2"
    assert label({"method": "GET", "path": "/a"}) == "GET /a"
    told = [tells(each) for each in ("status", "body.a", "text", "headers.content-type", "headers.etag", "url")]
    assert told == [True, True, True, True, False, False]
