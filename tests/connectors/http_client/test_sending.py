"""What a block sends besides its path and body: the query, headers, credentials, and its own limits."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from pydantic import ValidationError

from octo.connectors.http_client import Rest
from octo.core.errors import Permanent, Timeout
from octo.core.message import Message
from octo.expr import ExprError


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("['a', 'b c']", [("q", "a"), ("q", "b c")]),
        ("[1, 2.0, 1.5, true]", [("q", "1"), ("q", "2"), ("q", "1.5"), ("q", "true")]),
        ("[]", []),
        ("body.?no", []),
        ("body.?yes", [("q", "y")]),
        ("[{'a': 1}, [1]]", [("q", '{"a":1}'), ("q", "[1]")]),
        ("{'a': [1]}", [("q", '{"a":[1]}')]),
        ("''", [("q", "")]),
        ("'a,b'", [("q", "a,b")]),
    ],
)
async def test_a_list_gives_a_parameter_once_for_each_item(calls, upstream, written, sent):
    """In its order. An optional without a value leaves it out."""
    await calls.rest(Message({"yes": "y"}), path="/s", query={"q": written})

    assert list(upstream.requests[0].query.items()) == sent


@pytest.mark.parametrize("written", ["null", "[1, null]", "body.?gone.orValue(null)"])
async def test_null_is_no_value_of_a_parameter(calls, upstream, written):
    """Left out, it could ask for everything instead of one thing."""
    with pytest.raises(ExprError, match="expected a text, found null"):
        await calls.rest(Message({}), query={"q": written})

    assert upstream.requests == []


async def test_parameters_follow_those_of_base_and_path(calling, upstream):
    async with calling(baseURL=f"{upstream.url}/v1?key=k") as calls:
        await calls.rest(Message("x&y"), path="/a?b={body}", query={"c": "[1, 2]"})

    assert upstream.requests[0].raw_path == "/v1/a?key=k&b=x%26y&c=1&c=2"


async def test_auth_is_the_whole_header(calls, upstream):
    await calls.rest(Message(vars={"token": "t0ken-of-today"}), auth='"Bearer " + vars.token')

    assert upstream.requests[0].headers["Authorization"] == "Bearer t0ken-of-today"


@pytest.mark.parametrize("auth", ["null", "''", "body.?token"])
async def test_without_a_value_no_credentials_are_sent(calls, upstream, auth):
    await calls.rest(Message({}), auth=auth)

    assert "Authorization" not in upstream.requests[0].headers


@pytest.mark.parametrize("value", ["Bearer a\r\nX-Evil: 1", "Bearer \0", 7, ["Bearer x"]])
async def test_credentials_are_one_line_of_text(calls, upstream, value):
    with pytest.raises(Permanent, match="not one line of text") as caught:
        await calls.rest(Message(value), auth="body")

    assert (caught.value.code, upstream.requests) == ("OCTO-H166", [])


async def test_auth_of_a_block_and_of_its_connector_are_refused(calling, upstream):
    """Nobody could say which of them the server gets."""
    async with calling(auth={"type": "bearer", "token": "a token"}) as calls:
        with pytest.raises(Permanent, match="remove one of them") as caught:
            await calls.rest(auth='"Bearer x"')

    assert (caught.value.code, upstream.requests) == ("OCTO-H166", [])


async def test_an_error_does_not_repeat_the_credentials(calls, upstream):
    """A server may, in its answer."""
    upstream.answer = lambda request: web.Response(status=401, text=f"not valid: {request.headers['Authorization']}")

    with pytest.raises(Permanent) as caught:
        await calls.rest(auth='"Bearer correct-horse"')

    assert "not valid: Bearer" in str(caught.value)
    assert "correct-horse" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"auth": "vars.t", "headers": {"authorization": "vars.t"}}, "write one of them"),
        ({"bodyType": "multipart", "body": "body", "headers": {"Content-Type": "'x'"}}, "the boundary"),
        ({"bodyType": "form"}, "a `body`, which is missing"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        Rest.model_validate(settings)


async def test_a_block_may_have_a_timeout_of_its_own(calling, upstream):
    """Shorter than the connector's, or longer."""
    done = asyncio.Event()

    async def slow(request):
        await done.wait()
        return web.json_response(1)

    upstream.answer = slow
    async with calling(timeout="1h") as calls:
        with pytest.raises(Timeout, match=r"no answer within 0\.01s"):
            await calls.rest(timeout="10ms")
    done.set()
    async with calling(timeout="1ns") as calls:
        assert (await calls.rest(timeout="1h")).body == 1
