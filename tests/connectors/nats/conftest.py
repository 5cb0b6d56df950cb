"""A real NATS server, a client of it that knows nothing of Octo, and streams of the test alone."""

from __future__ import annotations

import asyncio
import itertools

import nats as client
import pytest

from octo.testing.nats import Nats

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    with Nats.started() as running:
        yield running


@pytest.fixture
async def foreign(server):
    """Another program: a client of its own."""
    connection = await client.connect(server.url)
    yield connection
    await connection.close()


@pytest.fixture
def name():
    """A name that no other test has, for subjects and streams."""
    return f"t{next(_numbers)}"


@pytest.fixture
async def stream(foreign, name):
    """A stream with the subjects `NAME.>`."""
    await foreign.jetstream().add_stream(name=name, subjects=[f"{name}.>"])
    return name


async def until(holds, seconds=30.0):
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not (found := holds()):
            await asyncio.sleep(0.02)
        return found
