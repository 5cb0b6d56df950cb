"""Credentials, above all tokens that end."""

from __future__ import annotations

import asyncio
from base64 import b64encode

import pytest
from aiohttp import web

from octo.core.errors import Permanent, Transient


def oauth(url, **more):
    return {
        "type": "oauth2",
        "tokenURL": f"{url}/token",
        "clientID": "id with/space",
        "clientSecret": "s3cret-of-client",
        **more,
    }


class Tokens:
    """A token endpoint and an API behind it, in one."""

    def __init__(self, **token) -> None:
        self.token = {"expires_in": 3600, **token}
        self.fetched = 0
        self.revoked = set()
        self.seen = []

    def __call__(self, request):
        if request.path == "/token":
            self.fetched += 1
            given = {name: value for name, value in self.token.items() if value is not None}
            return web.json_response({"access_token": f"token{self.fetched}", **given})
        header = request.headers["Authorization"]
        self.seen.append(header)
        return web.Response(status=401) if header in self.revoked else web.json_response("fine")


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"type": "bearer", "token": "t"}, "Bearer t"),
        (
            {"type": "basic", "username": "u", "password": "p\u00e9"},
            "Basic " + b64encode("u:p\u00e9".encode()).decode(),
        ),
        ({"type": "basic", "username": "u"}, "Basic " + b64encode(b"u:").decode()),
        ({}, None),
    ],
)
async def test_fixed_credentials(calling, upstream, auth, header):
    """On every request that brings none of its own."""
    async with calling(auth=auth) as calls:
        await calls.rest()
        await calls.rest(headers={"authorization": '"Own x"'})

    assert [request.headers.get("Authorization") for request in upstream.requests] == [header, "Own x"]


async def test_tokens_are_fetched_once_and_used_until_shortly_before_their_end(calling, upstream):
    """30 seconds early, so that a token is still good when it arrives."""
    upstream.answer = tokens = Tokens()
    now = 1000.0
    async with calling(auth=oauth(upstream.url, scopes=["a", "b"])) as calls:
        calls.caller.credentials.clock = lambda: now
        await calls.rest()
        now += 3569
        await calls.rest()
        now += 2
        await calls.rest()

    request = upstream.requests[0]
    assert upstream.bodies[0] == b"grant_type=client_credentials&scope=a+b"
    assert request.headers["Authorization"] == "Basic " + b64encode(b"id+with%2Fspace:s3cret-of-client").decode()
    assert tokens.seen == ["Bearer token1", "Bearer token1", "Bearer token2"]


async def test_one_fetch_at_a_time(calling, upstream):
    """However many requests wait for it."""
    upstream.answer = tokens = Tokens(expires_in=None)
    async with calling(auth=oauth(upstream.url)) as calls:
        await asyncio.gather(*(calls.rest() for _ in range(10)))

    assert (tokens.fetched, len(tokens.seen)) == (1, 10)


async def test_a_refused_token_is_replaced_once(calling, upstream):
    """401 means: a new one, one more try. A second 401 is an answer."""
    upstream.answer = tokens = Tokens()
    async with calling(auth=oauth(upstream.url)) as calls:
        await calls.rest()
        tokens.revoked = {"Bearer token1"}
        await calls.rest()
        tokens.revoked = {"Bearer token2", "Bearer token3"}
        with pytest.raises(Permanent, match="returned 401"):
            await calls.rest()

    assert tokens.fetched == 3
    assert tokens.seen == [f"Bearer token{number}" for number in (1, 1, 2, 2, 3)]


async def test_a_token_refused_to_many_is_replaced_once(calling, upstream):
    """Whose 401 arrives when there is a new token already takes that one."""
    tokens = Tokens()
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def answer(request):
        if request.path == "/slow" and not asked.is_set():
            asked.set()
            await go_on.wait()
        return tokens(request)

    upstream.answer = answer
    async with calling(auth=oauth(upstream.url)) as calls, asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(calls.rest(path="/slow"))
        await asked.wait()
        tokens.revoked = {"Bearer token1"}
        await calls.rest(path="/quick")
        go_on.set()
        await slow
        await calls.rest(path="/quick")

    assert tokens.fetched == 2
    assert tokens.seen == [f"Bearer token{number}" for number in (1, 2, 1, 2, 2)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_client_credentials_follow_no_redirect(calling, upstream, start, status):
    """They go to the one address that was configured, wherever it points."""
    stranger = await start()
    stranger.answer = Tokens()
    upstream.answer = lambda request: web.Response(status=status, headers={"Location": f"{stranger.url}/token"})

    async with calling(auth=oauth(upstream.url)) as calls:
        with pytest.raises(Permanent, match=f"token request to {upstream.url}/token returned {status}") as caught:
            await calls.rest()

    assert caught.value.code == "OCTO-H157"
    assert stranger.requests == []


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        (web.Response(status=401, text="bad client"), Permanent, "token request to .*/token returned 401: bad client"),
        (web.Response(status=503), Transient, "returned 503"),
        (web.json_response({"token": "t"}), Permanent, "no usable `access_token`"),
        (web.json_response({"access_token": "a\r\nX: y"}), Permanent, "no usable `access_token`"),
        (web.json_response([]), Permanent, "no usable `access_token`"),
        (web.Response(text="<html>"), Permanent, "no usable `access_token`"),
    ],
)
async def test_no_token_is_an_error(calling, upstream, answer, kind, why):
    """That says where it was to come from."""
    upstream.answer = lambda request: answer
    async with calling(auth=oauth(upstream.url)) as calls:
        with pytest.raises(kind, match=why) as caught:
            await calls.rest()

    assert caught.value.code == "OCTO-H157"


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer", "token": "s3cret-token"},
        {"type": "basic", "username": "user", "password": "s3cret-password"},
    ],
)
async def test_errors_do_not_quote_credentials(calling, upstream, auth):
    """Some servers answer with the request they did not like."""
    upstream.answer = lambda request: web.Response(status=400, text=f"bad: {request.headers['Authorization']} {auth}")
    async with calling(auth=auth) as calls:
        with pytest.raises(Permanent) as caught:
            await calls.rest()

    assert "s3cret" not in str(caught.value)
    assert b64encode(b"user:s3cret-password").decode() not in str(caught.value)
    assert "\u00absecret\u00bb" in str(caught.value)


@pytest.mark.parametrize("before", range(185, 201))
async def test_a_secret_that_is_cut_in_two_is_not_shown(calling, upstream, before):
    """An error shows 200 characters of an answer. A piece of a token at their end would give it away."""
    upstream.answer = lambda request: web.Response(status=400, text="." * before + "s3cret-token and so on")
    async with calling(auth={"type": "bearer", "token": "s3cret-token"}) as calls:
        with pytest.raises(Permanent) as caught:
            await calls.rest()

    shown = ("." * before + "\u00absecret\u00bb and so on")[:200]
    assert str(caught.value) == f"rest request to {upstream.url} returned 400: {shown.strip()}"
