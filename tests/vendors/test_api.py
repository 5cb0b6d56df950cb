"""Calls to vendors end in an answer, or in an error that says who must act."""

from __future__ import annotations

import datetime as dt

import pytest

from octo.core import clock
from octo.core.deadline import Deadline
from octo.core.errors import Overloaded, Permanent, Transient
from octo.core.message import Message
from octo.core.settings import Secret
from tests.connectors.standins import Fault

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
        assert api.pauses == [0.5]


async def test_no_pause_passes_the_deadline(server, calls):
    server.fail(Fault(503, headers={"Retry-After": "25"}))
    async with calls() as api:

        async def work():
            with pytest.raises(Transient):
                await api.call("GET", "/")
            return Message()

        await Deadline("the flow", 20.0).of(work())
        assert api.pauses == []


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


def test_an_error_of_every_code_is_explained():
    from octo.vendors import codes

    assert set(codes.EXPLANATIONS) == {value for name, value in vars(codes).items() if str(value).startswith("OCTO-")}
