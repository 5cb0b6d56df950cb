"""The container opens services when they are asked for, and closes them with their owner."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from octo.services.container import MEMORY, NO_SERVICES, Services, Unavailable, entered
from octo.services.memory.key_value import Store

happened = []


@asynccontextmanager
async def first():
    happened.append("open first")
    try:
        yield "first"
    finally:
        happened.append("close first")


@asynccontextmanager
async def second():
    happened.append("open second")
    try:
        yield "second"
    finally:
        happened.append("close second")


@pytest.fixture(autouse=True)
def nothing_happened():
    happened.clear()


async def test_services_are_closed_in_reverse_also_after_an_error():
    """A service closes before those that it depends on."""

    async def fail():
        async with Services({"a": first, "b": f"{__name__}:second"}) as services:
            await services.open(["a", "b"])
            await services.open(["b", "a"])
            assert services.handed({"x": "b", "y": "a"}) == {"x": "second", "y": "first"}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert happened == ["open first", "open second", "close second", "close first"]


async def test_one_that_failed_is_tried_again():
    """A reload tries again; the error says what is wrong without a traceback."""
    tries = iter([OSError("no route"), None])

    @asynccontextmanager
    async def shaky():
        if (error := next(tries)) is not None:
            raise error
        yield "open"

    async with Services({"a": shaky}) as services:
        with pytest.raises(Unavailable, match="the service `a` did not start: OSError: no route"):
            await services.open(["a"])
        await services.open(["a"])
        assert services.handed({"x": "a"}) == {"x": "open"}


async def test_what_was_closed_is_opened_anew():
    """Nothing is handed out that is closed."""
    services = Services({"a": first})
    for _ in range(2):
        async with services:
            await services.open(["a"])
    assert happened == ["open first", "close first"] * 2


async def test_every_port_has_a_provider_in_memory():
    async with Services() as services:
        assert services.names == ["key-value", "leases", "queues", "resources", "secrets", "topics"]
        await services.open(services.names)
        assert isinstance(services.handed({"it": "key-value"})["it"], Store)
    assert MEMORY.keys() == set(services.names)


async def test_what_was_given_is_left_open():
    """The owner of given services closes them; services that are made here are closed here."""
    async with Services({"a": first}) as services:
        async with entered(services) as given:
            await given.open(["a"])
        assert happened == ["open first"]
    async with entered(None) as own:
        assert own.names == sorted(MEMORY)
    assert NO_SERVICES.names == []
