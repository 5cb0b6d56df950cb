"""Credentials, above all tokens that expire."""

from __future__ import annotations

import asyncio
from base64 import b64encode

import pytest
from aiohttp import web

from octo.connectors.http_client import Client
from octo.core.errors import Permanent, Transient
from octo.core.secrets import masked


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
    ("user", "sent"),
    [("bob:pw@", "bob:pw"), ("bob@", "bob:"), ("b%40b:s3cret%2Fof%20url@", "b@b:s3cret/of url"), ("bob:@", "bob:")],
)
async def test_credentials_in_the_address_are_basic(calling, upstream, user, sent):
    async with calling(baseURL=upstream.url.replace("://", f"://{user}")) as calls:
        await calls.rest(path="/a")

    (request,) = upstream.requests
    assert request.headers["Authorization"] == "Basic " + b64encode(sent.encode()).decode()
    assert request.headers["Host"] == f"127.0.0.1:{upstream.server.port}"


async def test_credentials_in_the_address_are_not_shown(calling, upstream):
    """Neither in errors nor, from then on, in anything that is logged."""
    upstream.answer = lambda request: web.Response(status=403, text=request.headers["Authorization"])
    async with calling(baseURL=upstream.url.replace("://", "://bob:s3cret-of-url@")) as calls:
        with pytest.raises(Permanent) as caught:
            await calls.rest(path="/a")

    assert "bob" not in str(caught.value)
    assert b64encode(b"bob:s3cret-of-url").decode() not in str(caught.value)
    assert masked("s3cret-of-url") == "«secret»"
    assert "s3cret" not in repr(Client.model_validate({"baseURL": "http://bob:s3cret-of-url@a"}))


def test_credentials_in_the_address_are_advised_against():
    with_, without = (Client.model_validate({"baseURL": f"http://{user}a"}) for user in ("bob:pw@", ""))
    assert ([key for key, _, _ in with_.advice()], list(without.advice())) == (["baseURL"], [])


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
    """They are on every request that has none of its own."""
    async with calling(auth=auth) as calls:
        await calls.rest()
        await calls.rest(headers={"authorization": '"Own x"'})

    assert [request.headers.get("Authorization") for request in upstream.requests] == [header, "Own x"]


async def test_tokens_are_fetched_once_and_used_until_shortly_before_their_end(calling, upstream):
    """30 seconds before, so that a token is still valid when it arrives."""
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
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Authorization"] == "Basic " + b64encode(b"id+with%2Fspace:s3cret-of-client").decode()
    assert tokens.seen == ["Bearer token1", "Bearer token1", "Bearer token2"]


async def test_one_fetch_at_a_time(calling, upstream):
    """However many requests wait for it."""
    upstream.answer = tokens = Tokens(expires_in=None)
    async with calling(auth=oauth(upstream.url)) as calls:
        await asyncio.gather(*(calls.rest() for _ in range(10)))

    assert (tokens.fetched, len(tokens.seen)) == (1, 10)
    assert upstream.bodies[0] == b"grant_type=client_credentials"


async def test_the_end_of_a_token_may_be_a_text(calling, upstream):
    """Some servers write it so."""
    upstream.answer = tokens = Tokens(expires_in="60")
    now = 1000.0
    async with calling(auth=oauth(upstream.url)) as calls:
        calls.caller.credentials.clock = lambda: now
        for _ in range(2):
            await calls.rest()
            now += 29
        await calls.rest()

    assert tokens.seen == ["Bearer token1", "Bearer token1", "Bearer token2"]


@pytest.mark.parametrize("seconds", ["1e999", str(10**400)])
async def test_a_token_may_last_for_ever(calling, upstream, seconds):
    """However the server writes that."""
    answer = f'{{"access_token": "t", "expires_in": {seconds}}}'
    upstream.answer = lambda request: web.Response(text=answer, content_type="application/json")
    async with calling(auth=oauth(upstream.url)) as calls:
        await calls.rest()
        await calls.rest()

    assert len(upstream.requests) == 3


async def test_an_authorization_of_ones_own_is_not_replaced(calling, upstream):
    """Not even when the server refuses it: its author knows best."""
    upstream.answer = tokens = Tokens()
    tokens.revoked = {"Bearer own"}
    async with calling(auth=oauth(upstream.url)) as calls:
        with pytest.raises(Permanent, match="returned 401"):
            await calls.rest(headers={"authorization": '"Bearer own"'})

    assert (tokens.fetched, tokens.seen) == (0, ["Bearer own"])


async def test_the_try_with_a_new_token_is_as_patient_as_the_first(calling, upstream):
    """Passing failures are repeated, too; and the answer is cached for requests with the new token."""
    tokens = Tokens()
    tokens.revoked = {"Bearer token1"}
    busy = [503]

    def answer(request):
        if request.headers.get("Authorization") == "Bearer token2" and busy:
            return web.Response(status=busy.pop())
        return tokens(request)

    upstream.answer = answer
    async with calling(auth=oauth(upstream.url), cache={"enabled": True}) as calls:
        bodies = [(await calls.rest()).body for _ in range(2)]

    assert bodies == ["fine", "fine"]
    assert tokens.seen == ["Bearer token1", "Bearer token2"]
    assert calls.pauses == [0.2]


async def test_a_refused_token_is_replaced_once(calling, upstream):
    """After 401 there is one more try with a new token. A second 401 is the answer."""
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
    """A request whose 401 arrives when there is a new token already uses that one."""
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
    """They go only to the configured address, wherever that redirects."""
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
        (web.json_response({"access_token": ""}), Permanent, "no usable `access_token`"),
        (web.json_response({"access_token": "t", "expires_in": "soon"}), Permanent, "no usable `access_token`"),
        (web.json_response({"access_token": "t"}, status=203), Permanent, "returned 203"),
        (web.json_response({"access_token": "a\r\nX: y"}), Permanent, "no usable `access_token`"),
        (web.json_response([]), Permanent, "no usable `access_token`"),
        (web.Response(text="<html>"), Permanent, "no usable `access_token`"),
    ],
)
async def test_no_token_is_an_error(calling, upstream, answer, kind, why):
    """The error says where the token was to come from."""
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
    """Some servers quote the request that they refuse."""
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


@pytest.mark.parametrize(
    ("auth", "secret"),
    [
        ({"type": "bearer", "token": "s3cret-token"}, "s3cret-token"),
        ({"type": "basic", "username": "user", "password": "s3cret-password"}, "s3cret-password"),
        (oauth("http://login.test"), "s3cret-of-client"),
    ],
)
async def test_credentials_are_masked_in_logs(calling, auth, secret):
    """From the moment they are read."""
    async with calling(auth=auth):
        assert masked(f"before {secret} after") == "before \u00absecret\u00bb after"


async def test_a_token_request_that_fails_does_not_quote_the_token_before(calling, upstream):
    """Old tokens are not masked everywhere, as there are many; the error about their successor hides the last one."""
    upstream.answers(
        lambda request: web.json_response({"access_token": "s3cret-token", "expires_in": 60}),
        lambda request: web.json_response("fine"),
        lambda request: web.Response(status=400, text="s3cret-token is not over yet"),
    )
    now = 1000.0
    async with calling(auth=oauth(upstream.url)) as calls:
        calls.caller.credentials.clock = lambda: now
        await calls.rest()
        now += 60
        with pytest.raises(Permanent, match="returned 400: \u00absecret\u00bb is not over yet"):
            await calls.rest()


async def test_keys_in_headers_and_in_the_address_are_masked():
    """They are credentials too, and a server may repeat them in its answer."""
    headers = {"X-Api-Key": "key-in-header", "Authorization": "Token after-scheme", "Accept": "text/never-masked"}
    Client.model_validate({"baseURL": "http://a/?api_key=key-in-query&keyword=plain-word", "headers": headers})

    told = masked("key-in-header, after-scheme, key-in-query, text/never-masked, plain-word")
    assert told == "«secret», «secret», «secret», text/never-masked, plain-word"


async def test_what_is_too_short_for_a_secret_does_not_riddle_texts(calling, upstream):
    """Five characters may occur in any text and stay; six are hidden."""
    upstream.answer = lambda request: web.Response(status=400, text="abcde abcdef")
    shown = []
    for token in ("abcde", "abcdef"):
        async with calling(auth={"type": "bearer", "token": token}) as calls:
            with pytest.raises(Permanent) as caught:
                await calls.rest()
        shown.append(str(caught.value).partition("400: ")[2])

    assert shown == ["abcde abcdef", "abcde \u00absecret\u00bb"]


@pytest.mark.parametrize("token", ["s3cret-token\n", "s3cret\r\nX-Evil: 1", "s3cret\0"])
def test_a_token_of_several_lines_is_refused_when_it_is_read(token):
    """Many a file ends with a line break. The error does not show the token."""
    with pytest.raises(ValueError, match="`token` has a line break") as caught:
        Client.model_validate({"baseURL": "http://a.b", "auth": {"type": "bearer", "token": token}})

    assert "X-Evil" not in str(caught.value)
