"""A long queue is not in memory. How long a start takes with it, `make chaos` prints."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos.backlog import begun, fill
from tests.chaos.loop import Loop
from tests.chaos.workloads import WORKLOADS

MESSAGES, KEYS = 20_000, 2000
"""About 20 MB of messages."""


@pytest.mark.parametrize("services", ["sqlite", "postgresql"], indirect=True)
def test_memory_does_not_grow_with_the_queue(zygote, services, tmp_path, port):
    loop = Loop(WORKLOADS["queue"], services, tmp_path / "loop", port, zygote)
    asyncio.run(fill(services, 100, 0))
    short = begun(loop, 0)
    asyncio.run(fill(services, MESSAGES, KEYS))
    long = begun(loop, 1)
    assert long.memory < short.memory + 10_000_000
