"""A real broker, and a client of it that knows nothing of Octo."""

from __future__ import annotations

import asyncio
import itertools

import aiomqtt
import pytest

from octo.testing.mosquitto import Mosquitto

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def broker():
    with Mosquitto.started() as running:
        yield running


@pytest.fixture
async def foreign(broker):
    """Another program: a client of its own."""
    async with aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        yield client


@pytest.fixture
def name():
    """A word that no other test has, for topics and clients."""
    return f"t{next(_numbers)}"


async def until(holds, seconds=30.0):
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not (found := holds()):
            await asyncio.sleep(0.02)
        return found
