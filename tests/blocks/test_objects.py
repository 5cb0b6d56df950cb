"""object-read, object-write and object-delete keep values by key."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.flow import Failure
from octo.services import codes
from octo.testing import running
from octo.testing.clock import virtual

FLOWS = """
flows:
  - {name: write, process: [{type: object-write, key: body.k MORE}]}
  - {name: read, process: [{type: object-read, key: body.k READ}]}
  - {name: delete, process: [{type: object-delete, key: body.k}]}
"""


def flows(write="", read=""):
    return FLOWS.replace(" MORE", write).replace(" READ", read)


@virtual()
async def test_what_is_written_is_read_by_another_flow():
    """The whole body by default, with values that JSON lacks; writing passes the message through."""
    body = {"k": "a", "b": b"\0", "n": 2**70}
    async with running(flows()) as app:
        assert (await app.call("write", body)).body == body
        assert (await app.call("read", {"k": "a"})).body == body
        await app.call("delete", {"k": "a"})
        assert (await app.call("read", {"k": "a"})).body is None


@virtual()
async def test_a_value_may_come_into_a_variable_and_say_whether_it_was_there():
    async with running(flows(", value: '7'", ", as: got, existsVar: there")) as app:
        outcome = await app.call("read", {"k": "a"}, {"got": "old"})
        assert (outcome.body, outcome.vars) == ({"k": "a"}, {"there": False})
        await app.call("write", {"k": "a"})
        assert (await app.call("read", {"k": "a"})).vars == {"got": 7, "there": True}


@pytest.mark.parametrize(("read", "body", "variables"), [
    (", default: '[1]'", [1], {}),
    (", default: '[1]', as: got", {"k": "a"}, {"got": [1]}),
    (", default: 'null', as: got", {"k": "a"}, {"got": None}),
])  # fmt: skip
@virtual()
async def test_without_a_value_the_default_counts(read, body, variables):
    async with running(flows(read=read)) as app:
        outcome = await app.call("read", {"k": "a"})

    assert (outcome.body, outcome.vars) == (body, variables)


@virtual()
async def test_a_value_is_gone_when_its_time_is_over():
    async with running(flows(", ttl: 10s")) as app:
        await app.call("write", {"k": "a"})
        await asyncio.sleep(9)
        assert (await app.call("read", {"k": "a"})).body == {"k": "a"}
        await asyncio.sleep(2)
        assert (await app.call("read", {"k": "a"})).body is None


@virtual()
async def test_a_time_of_0_never_ends():
    """As in a cache."""
    async with running(flows(", ttl: 0")) as app:
        await app.call("write", {"k": "a"})
        await asyncio.sleep(10**6)
        assert (await app.call("read", {"k": "a"})).body == {"k": "a"}


@virtual()
async def test_volatile_keys_are_apart():
    async with running(flows(", volatile: true")) as app:
        await app.call("write", {"k": "a"})
        assert (await app.call("read", {"k": "a"})).body is None


@virtual()
async def test_what_is_beyond_the_limits_fails_the_message():
    async with running(flows()) as app:
        for body in ({"k": ""}, {"k": "x" * 513}, {"k": "a", "x": "y" * 2**20}):
            with pytest.raises(Failure) as caught:
                await app.call("write", body)
            assert caught.value.cause.code == codes.LIMIT
