"""Which requests are repeated, which never are, and how long the waits are."""

from __future__ import annotations

import pytest
from aiohttp import web

from octo.core import idempotency
from octo.core.deadline import Deadline
from octo.core.errors import Transient


def after(value, status=503):
    return lambda request: web.Response(status=status, headers={"Retry-After": value})


def drop(request):
    request.transport.abort()
    return web.Response()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_what_may_come_twice_is_repeated(calls, upstream, method, status):
    """The third attempt is the answer."""
    upstream.answers(status, status, 200)

    message = await calls.rest(method=method)

    assert message.vars["statusCode"] == 200
    assert calls.pauses == [0.2, 0.4]


@pytest.mark.parametrize("status", [500, 501, 400, 409])
async def test_other_statuses_are_answers(calls, upstream, status):
    """Repeating the request would not change them."""
    upstream.answers(status, 200)

    message = await calls.rest(failOnError=False)

    assert (message.vars["statusCode"], calls.pauses) == (status, [])


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_must_not_come_twice_is_not_repeated(calls, upstream, method):
    """Neither after an answer nor after a broken connection: the server may have done it."""
    upstream.answers(503, drop)

    with pytest.raises(Transient, match="returned 503"):
        await calls.rest(method=method)
    with pytest.raises(Transient, match="connection broke"):
        await calls.rest(method=method)

    assert len(upstream.requests) == 2


async def test_a_broken_connection_is_repeated_where_that_is_harmless(calls, upstream):
    """A GET changes nothing on the server."""
    upstream.answers(drop, drop, 200)
    assert (await calls.rest(method="PUT")).vars["statusCode"] == 200


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_key_makes_a_request_one_that_may_come_twice(calls, upstream, method, status):
    """The server tells by `Idempotency-Key` what it has done: the same key in each attempt."""
    upstream.answers(drop, status, 200)

    await calls.rest(method=method, headers={"idempotency-key": "'order-7'"}, body="{'a': 1}")

    assert [each.headers["Idempotency-Key"] for each in upstream.requests] == ["order-7"] * 3
    assert upstream.bodies == [b'{"a":1}'] * 3


@pytest.mark.parametrize(
    ("method", "headers", "key"),
    [("POST", {}, "step"), ("POST", {"idempotency-key": "'mine'"}, "mine"), ("GET", {}, None)],
)
async def test_a_step_of_a_journal_has_a_key_of_its_own(calls, upstream, method, headers, key):
    token = idempotency.enter("step")
    try:
        await calls.rest(method=method, headers=headers)
    finally:
        idempotency.leave(token)
    assert upstream.requests[0].headers.get("Idempotency-Key") == key


@pytest.mark.parametrize("key", ["''", "' '"])
async def test_an_empty_key_is_none(calls, upstream, key):
    """It would be that of every request."""
    upstream.answers(503, 200)

    with pytest.raises(Transient, match="returned 503"):
        await calls.rest(method="POST", headers={"Idempotency-Key": key})


async def test_the_author_says_which_methods_may_come_twice(calling, upstream):
    """POST for a server that knows what it has done; and only what is listed."""
    upstream.answers(503, drop, 200, 503)
    async with calling(retry={"methods": ["GET", "post"]}) as calls:
        assert (await calls.rest(method="POST")).vars["statusCode"] == 200
        with pytest.raises(Transient, match="returned 503"):
            await calls.rest(method="PUT")

    assert len(upstream.requests) == 4


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST"])
async def test_one_attempt_is_sent_once_on_a_kept_connection_too(calling, raw, method):
    """The library would repeat it by itself, unseen by `maxAttempts`."""
    first = raw.ok(b"" if method == "HEAD" else b"1")
    raw.answer(first, None, first, keep=True)
    async with calling(baseURL=raw.url, retry={"maxAttempts": 1}) as calls:
        await calls.rest(method=method)
        with pytest.raises(Transient, match="connection broke"):
            await calls.rest(method=method)

    assert (len(raw.heads), raw.connections) == (2, 1)


async def test_the_last_answer_is_reported(calls, upstream):
    """With its status."""
    upstream.answers(503, 502, 504)

    with pytest.raises(Transient, match="returned 504"):
        await calls.rest()

    assert len(upstream.requests) == 3


@pytest.mark.parametrize("attempts", [0, 1])
async def test_one_attempt_means_one(calling, upstream, attempts):
    """0 means one, too."""
    upstream.answers(503, 200)
    async with calling(retry={"maxAttempts": attempts}) as calls:
        with pytest.raises(Transient):
            await calls.rest()

    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("3600", 30.0),
        ("Thu, 01 Jan 1970 00:16:45 GMT", 5.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", 0.2),
        ("\u00b2", 0.2),
        ("-1", 0.2),
        ("9" * 400, 30.0),
        ("Thu, 01 Jan 9999 00:00:00 GMT", 30.0),
        ("Thu, 01 Jan 1970 00:00:00 +99999999999999", 0.2),
    ],
)
async def test_the_server_says_when(calls, upstream, header, pause):
    """`Retry-After` in seconds or as a date, up to the longest wait."""
    upstream.answers(after(header), 200)
    calls.caller.retries.wall = lambda: 1000.0

    await calls.rest()

    assert calls.pauses == [pause]


async def test_waits_double_up_to_the_longest_and_chance_shortens_them(calling, upstream):
    """So that many clients do not come back at once."""
    upstream.answers(503)
    async with calling(retry={"maxAttempts": 5, "minBackoff": "1s", "maxBackoff": "3s"}) as calls:
        calls.caller.retries.backoff = calls.caller.retries.backoff._replace(chance=lambda: 0.5)
        with pytest.raises(Transient):
            await calls.rest()

    assert calls.pauses == [0.75, 1.5, 2.25, 2.25]


@pytest.mark.parametrize("answer", [after("3600"), drop])
async def test_no_wait_begins_that_cannot_end_before_the_deadline(calling, upstream, answer):
    """What went wrong is told at once; a timeout would say nothing of it."""
    upstream.answers(answer, 200)
    limit = Deadline("it", 20)

    async with calling(retry={"minBackoff": "1m", "maxBackoff": "1m"}) as calls:
        with pytest.raises(Transient, match=r"returned 503|connection broke"):
            await limit.of(calls.rest())

    assert (len(upstream.requests), calls.pauses) == (1, [])
