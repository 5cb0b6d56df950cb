"""What becomes of an answer: variables, what is expected, files."""

from __future__ import annotations

import gzip
import json

import pytest
from aiohttp import web
from pydantic import ValidationError

from octo.connectors.http_client import Rest
from octo.core.errors import OctoError, Permanent, Transient
from octo.core.message import Message
from octo.core.spool import Content


@pytest.mark.parametrize(
    ("expect", "status", "accepted"),
    [
        ([200, 201], 201, True),
        (["200"], 200, True),
        ([200], 204, False),
        (["2xx"], 204, True),
        (["2XX", 404], 404, True),
        (["2xx", 404], 500, False),
        (["4xx"], 200, False),
        (["4xx", "5xx"], 503, True),
    ],
)
async def test_what_is_not_expected_is_an_error(calls, upstream, expect, status, accepted):
    """Also a success that the flow is not made for."""
    upstream.answer = lambda request: web.Response(status=status, text='"said"' if status != 204 else None)

    if accepted:
        message = await calls.rest(expect=expect)
        assert message.vars == {"statusCode": status}
    else:
        with pytest.raises(OctoError, match=f"returned {status}, expected") as caught:
            await calls.rest(expect=expect)
        assert (caught.value.status, caught.value.vars) == (status, {"statusCode": status})


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [(202, Permanent, "OCTO-H165"), (404, Permanent, "OCTO-H150"), (500, Transient, "OCTO-H151")],
)
async def test_the_code_says_what_to_do(calls, upstream, status, kind, code):
    upstream.answer = lambda request: web.Response(status=status, text="no")

    with pytest.raises(kind, match=rf"returned {status}, expected 200 or 3xx: no") as caught:
        await calls.rest(expect=[200, "3xx"])

    assert caught.value.code == code


@pytest.mark.parametrize("expect", [[99], [600], ["200-204"], ["xxx"], [True], ["ok"], ["1xx"], [[200]]])
def test_what_is_no_status_is_refused(expect):
    with pytest.raises(ValidationError, match="write a status from 200 to 599, or a class"):
        Rest.model_validate({"expect": expect})


@pytest.mark.parametrize("fail", [True, False])
def test_one_setting_says_what_is_an_error(fail):
    with pytest.raises(ValidationError, match="remove `failOnError`"):
        Rest.model_validate({"expect": [200], "failOnError": fail})


async def test_headers_and_address_become_variables(calls, upstream):
    """Names in lower case; the values of one name joined, but those of cookies are a list."""

    def answer(request):
        if request.path == "/old":
            return web.Response(status=302, headers={"Location": "/new?a=1"})
        headers = [("X-Total", "7"), ("Link", "<a>"), ("LINK", "<b>"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        return web.json_response({}, headers=headers)

    upstream.answer = answer
    message = await calls.rest(path="/old", headersVar="head", urlVar="from")

    head = message.vars["head"]
    assert (head["x-total"], head["link"], head["set-cookie"]) == ("7", "<a>, <b>", ["a=1", "b=2"])
    assert (message.vars["from"], message.vars["statusCode"]) == (f"{upstream.url}/new?a=1", 200)


async def test_an_error_leaves_them_too(calls, upstream):
    """The error path reads `Retry-After` and the like."""
    upstream.answer = lambda request: web.Response(status=422, headers={"X-Why": "size"})

    with pytest.raises(Permanent) as caught:
        await calls.rest(path="/a", headersVar="head", urlVar="from", statusVar="status")

    found = caught.value.vars
    assert (found["status"], found["head"]["x-why"], found["from"]) == (422, "size", f"{upstream.url}/a")


async def test_they_are_not_there_unless_asked_for(calls, upstream):
    assert (await calls.rest()).vars == {"statusCode": 200}


LARGE = b"0123456789abcdef" * (200_000)


@pytest.mark.parametrize("packed", [False, True])
async def test_a_download_is_raw_content_in_a_file(calls, upstream, packed):
    """Beyond what the connector allows for answers; nothing of it is read as JSON."""
    body, headers = (gzip.compress(LARGE), {"Content-Encoding": "gzip"}) if packed else (LARGE, {})
    headers["Content-Type"] = "application/json"
    upstream.answer = lambda request: web.Response(body=body, headers=headers)

    message = await calls.rest(download=True)

    held = dict.get(message.body, "rawData")
    assert (message.raw, message.body.get("contentType")) == (True, "application/json")
    assert isinstance(held, Content)
    assert held == LARGE


async def test_a_small_download_is_raw_content_too(calls, upstream):
    upstream.answer = lambda request: web.json_response({"a": 1})

    message = await calls.rest(download=True)

    assert message.body == {"contentType": "application/json; charset=utf-8", "rawData": '{"a": 1}'}


async def test_a_download_has_a_limit_of_its_own(calls, upstream):
    upstream.answer = lambda request: web.Response(body=LARGE)

    with pytest.raises(Permanent, match=r"larger than `maxResponseBytes` \(2000000\)") as caught:
        await calls.rest(download=True, maxResponseBytes=2_000_000)

    assert caught.value.code == "OCTO-H154"


async def test_a_limit_of_the_connector_is_one_of_downloads_too(calling, upstream):
    """If its author wrote it; its default is for other answers."""
    upstream.answer = lambda request: web.Response(body=LARGE)
    async with calling(maxResponseBytes=2_000_000) as calls:
        with pytest.raises(Permanent, match=r"larger than `maxResponseBytes` \(2000000\)"):
            await calls.rest(download=True)
        assert (await calls.rest(download=True, maxResponseBytes=4_000_000)).raw


async def test_a_block_may_take_larger_answers(calls, upstream):
    """JSON as a value; what is none stays in its file."""
    value = ["x" * 1000] * 2000
    upstream.answers(web.json_response(value), web.Response(body=LARGE, content_type="text/csv"))

    assert (await calls.rest(maxResponseBytes=4_000_000)).body == value
    held = dict.get((await calls.rest(maxResponseBytes=4_000_000)).body, "rawData")
    assert held == LARGE


async def test_a_file_is_sent_on_without_being_read(calls, upstream):
    upstream.answers(web.Response(body=LARGE, content_type="video/mp4"), web.Response())

    message = await calls.rest(download=True)
    await calls.rest(message, method="PUT", body="body")

    assert upstream.bodies[1] == LARGE
    assert upstream.requests[1].headers["Content-Type"] == "video/mp4"


async def test_an_error_shows_the_beginning_of_a_large_answer(calls, upstream):
    upstream.answer = lambda request: web.Response(status=404, body=LARGE)

    with pytest.raises(Permanent) as caught:
        await calls.rest(download=True)

    assert str(caught.value).endswith((LARGE[:200]).decode())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 2_000_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(LARGE)[:-9],
    ],
)
async def test_a_cut_download_is_an_error(calling, raw, answer):
    """Half a file is never taken for one. It is asked for again, as `retry` says."""
    raw.answer(answer, raw.ok(b"whole", b"Content-Type: text/plain"))
    async with calling(baseURL=raw.url, retry={"maxAttempts": 1}) as calls:
        with pytest.raises(Transient, match=r"ended after|not whole"):
            await calls.rest(download=True)
    raw.heads.clear()
    async with calling(baseURL=raw.url) as calls:
        assert (await calls.rest(download=True)).body["rawData"] == "whole"


async def test_downloads_are_not_kept_in_the_cache(calling, upstream):
    """Its answers are for requests that want a value."""
    upstream.answer = lambda request: web.Response(body=json.dumps([1]))
    async with calling(cache={"enabled": True}) as calls:
        await calls.rest()
        first = await calls.rest(download=True)
        second = await calls.rest(Message())

    assert (first.raw, second.body, len(upstream.requests)) == (True, [1], 2)
