"""Basic and API-key credentials: who may send requests, and what the others learn."""

from __future__ import annotations

import logging
from base64 import b64encode

import pytest
from pydantic import ValidationError

from octo.connectors.http import Route, Server
from octo.connectors.http.auth import Guard
from octo.connectors.http.settings import Auth

USERS = {"type": "basic", "users": {"ada": "lovelace-1815", "grace": "hopper-1906"}}
KEYS = {"type": "apiKey", "keys": {"shop": "key-of-the-shop", "new": "key-of-tomorrow"}}


def basic(text: str | bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(text.encode() if isinstance(text, str) else text).decode()}


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        (basic("ada:lovelace-1815"), "ada"),
        ({"Authorization": basic("grace:hopper-1906")["Authorization"].replace("Basic", "bAsIc")}, "grace"),
        (basic("ada:hopper-1906"), None),
        (basic("nobody:lovelace-1815"), None),
        (basic("ada"), None),
        (basic("ada:"), None),
        (basic(":"), None),
        (basic(b"\xff\xfe:\xff"), None),
        ({"Authorization": "Basic"}, None),
        ({"Authorization": "Basic !!!"}, None),
        ({"Authorization": "Bearer lovelace-1815"}, None),
        ({"Authorization": "Basic " + "A" * 5000}, None),
        ({}, None),
    ],
)
async def test_a_user_is_known_by_name_and_password(serve, headers, user):
    """The flow runs for those who are known, and has their name; the others learn how to ask."""
    async with serve(auth=USERS) as site, site.route() as inlet:
        status, answered, text = await site.ask(headers=headers)

    if user is None:
        assert (status, text) == (401, '{"error":"unauthorized"}')
        assert answered["WWW-Authenticate"] == 'Basic realm="octo", charset="UTF-8"'
        assert inlet.messages == []
    else:
        assert status == 200
        assert [each.vars["user"] for each in inlet.messages] == [user]


@pytest.mark.parametrize(
    ("place", "request_", "user"),
    [
        ({}, {"headers": {"X-API-Key": "key-of-the-shop"}}, "shop"),
        ({}, {"headers": {"x-api-key": "key-of-tomorrow"}}, "new"),
        ({}, {"headers": {"X-API-Key": "key-of-the-sho"}}, None),
        ({}, {"headers": {"X-API-Key": ""}}, None),
        ({}, {"headers": [("X-API-Key", "key-of-the-shop"), ("X-API-Key", "key-of-the-shop")]}, None),
        ({}, {"path": "/?X-API-Key=key-of-the-shop"}, None),
        ({"header": "Authorization"}, {"headers": {"Authorization": "Bearer key-of-the-shop"}}, "shop"),
        ({"header": "Authorization"}, {"headers": {"Authorization": "key-of-the-shop"}}, "shop"),
        ({"query": "key"}, {"path": "/?a=1&key=key-of-the-shop"}, "shop"),
        ({"query": "key"}, {"path": "/?key=x&key=key-of-the-shop"}, None),
        ({"query": "key"}, {"headers": {"key": "key-of-the-shop"}}, None),
        ({"cookie": "sid"}, {"headers": {"Cookie": "a=b; sid=key-of-the-shop"}}, "shop"),
        ({"cookie": "sid"}, {"headers": {"Cookie": 'sid="key-of-tomorrow"'}}, "new"),
        ({"cookie": "sid"}, {"headers": {"Cookie": "sid=x; sid=key-of-the-shop"}}, None),
    ],
)
async def test_a_key_is_taken_from_its_place_only(serve, place, request_, user):
    """A key in another place, or given twice, is none."""
    async with serve(auth={**KEYS, **place}) as site, site.route() as inlet:
        status, answered, _ = await site.ask(**request_)

    if user is None:
        assert (status, answered["WWW-Authenticate"]) == (401, 'ApiKey realm="octo"')
    else:
        assert status == 200
    assert [each.vars["user"] for each in inlet.messages] == ([] if user is None else [user])


async def test_a_key_behind_bearer_is_asked_for_as_that(serve):
    """The challenge names the scheme of the header (RFC 6750)."""
    async with serve(auth={**KEYS, "header": "Authorization", "realm": "shop"}) as site, site.route():
        _, headers, _ = await site.ask()

    assert headers["WWW-Authenticate"] == 'Bearer realm="shop"'


async def test_a_key_in_the_query_is_no_part_of_the_message(serve):
    """Flows write their variables to logs and other systems."""
    async with serve(auth={**KEYS, "query": "key"}) as site, site.route() as inlet:
        await site.ask(path="/?a=1&key=key-of-the-shop")

    assert inlet.messages[0].vars["query"] == {"a": "1"}
    assert inlet.messages[0].vars["queryAll"] == {"a": ["1"]}


async def test_a_source_has_the_last_word(serve):
    """It may open itself, or ask for others than its connector does."""
    other = {"type": "apiKey", "keys": ["some-other-key"], "userVar": "caller"}
    async with (
        serve(auth=USERS) as site,
        site.route(path="/open", auth={"type": "none"}),
        site.route(path="/other", auth=other) as inlet,
    ):
        assert (await site.ask(path="/open"))[0] == 200
        assert (await site.ask(path="/other", headers=basic("ada:lovelace-1815")))[0] == 401
        assert (await site.ask(path="/other", headers={"X-API-Key": "some-other-key"}))[0] == 200
    assert inlet.messages[0].vars["caller"] == "1"


async def test_the_body_of_a_stranger_is_not_read(serve):
    """The answer comes before the body does, and nobody is asked to send it."""
    async with serve(auth=USERS) as site, site.route() as inlet:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n"
        answer = await site.raw(head)

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"100 Continue" not in answer
    assert inlet.messages == []


async def test_preflights_pass(serve):
    """A browser sends none of its credentials with one; and a page can read the refusal of the request itself."""
    origin = {"Origin": "https://shop.example"}
    async with serve(auth=USERS, cors={"allowedOrigins": [origin["Origin"]]}) as site, site.route():
        asked = await site.ask("OPTIONS", headers={**origin, "Access-Control-Request-Method": "GET"})
        plain = await site.ask("OPTIONS", headers=origin)
        refused = await site.ask(headers=origin)

    assert (asked[0], plain[0], refused[0]) == (204, 401, 401)
    assert refused[1]["Access-Control-Allow-Origin"] == origin["Origin"]


async def test_no_credentials_are_logged(serve, caplog):
    """Neither wrong ones, which may be right for something else, nor right ones."""
    with caplog.at_level(logging.DEBUG):
        async with serve(auth=USERS) as site, site.route():
            await site.ask(headers=basic("ada:my-other-password"))
            await site.ask(headers=basic("ada:lovelace-1815"))

    assert "credentials" in caplog.text
    assert "my-other-password" not in caplog.text
    assert "lovelace" not in caplog.text
    assert "lovelace" not in repr(Auth.model_validate(USERS))


def test_every_key_is_compared(monkeypatch):
    """The time of an answer tells neither which key is nearest nor whether a user exists."""
    seen = []
    monkeypatch.setattr(
        "hmac.compare_digest", lambda left, right: seen.append((len(left), len(right))) or left == right
    )

    class Scope:
        query_string = ""

        def __init__(self, **headers):
            self.headers = self
            self.given = headers

        def all(self, name):
            return [self.given[name]] if name in self.given else []

    keys = Guard(Auth.model_validate(KEYS))
    assert keys.user(Scope(**{"x-api-key": "key-of-the-shop"})) == "shop"
    assert len(seen) == 2

    users = Guard(Auth.model_validate(USERS))
    for name in ("ada", "nobody"):
        with pytest.raises(Exception, match="unauthorized"):
            users.user(Scope(authorization=basic(f"{name}:wrong")["Authorization"]))
    assert len(seen) == 4
    assert {*seen} == {(32, 32)}


@pytest.mark.parametrize(
    ("auth", "why"),
    [
        ({"type": "basic"}, "needs `users`"),
        ({"type": "apiKey", "keys": []}, "needs `keys`"),
        ({"type": "apiKey", "keys": [""]}, "the secret of '1' is empty"),
        ({"type": "basic", "users": {"ada": ""}}, "the secret of 'ada' is empty"),
        ({"type": "basic", "username": "ada"}, "belong together"),
        ({"type": "basic", "username": "ada", "password": ""}, "the secret of 'ada' is empty"),
        ({"type": "basic", "users": {"a:b": "x"}}, "colon"),
        ({"type": "basic", "keys": ["x"]}, "`keys` does not belong"),
        ({"type": "apiKey", "keys": ["x"], "users": {"a": "b"}}, "`users` does not belong"),
        ({"type": "apiKey", "keys": ["x", "x"]}, "two keys are the same"),
        ({"type": "apiKey", "keys": ["x"], "header": "A", "query": "b"}, "one place"),
        ({"type": "basic", "users": {"ada": "x"}, "realm": 'a"b'}, "pattern"),
        ({"type": "digest"}, "'none', 'basic' or 'apiKey'"),
    ],
)
def test_half_a_setting_is_refused(auth, why):
    """An empty secret would let everybody in: it is found before a port is opened, and never shown."""
    with pytest.raises(ValidationError, match=why):
        Server.model_validate({"auth": auth})


def test_the_name_has_a_variable_of_its_own():
    """A path parameter could otherwise claim to be a user."""
    with pytest.raises(ValidationError, match="set both by the path and by `auth`"):
        Route.model_validate({"path": "/{user}", "auth": USERS})


async def test_nor_may_the_path_claim_it_from_a_connector(serve):
    """The same for credentials of the connector, when the source starts."""
    async with serve(auth=USERS) as site:
        with pytest.raises(Exception, match="userVar"):
            async with site.route(path="/{user}"):
                pass


async def test_one_user_may_be_written_short(serve):
    """`username` and `password`, as the client's settings are called."""
    async with serve(auth={"type": "basic", "username": "ada", "password": "x:y"}) as site, site.route():
        assert (await site.ask(headers=basic("ada:x:y")))[0] == 200
