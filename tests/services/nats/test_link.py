"""The link to the servers. What it does when they are away: test_bad_days."""

from __future__ import annotations

import asyncio
import time

import pytest

from octo.services.nats import link
from octo.testing.clock import virtual


@virtual()
async def test_a_limit_ends_what_takes_too_long():
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        async with link.awake(3):
            await asyncio.sleep(60)
    assert asyncio.get_running_loop().time() - began == pytest.approx(3)


async def test_while_the_loop_stands_still_no_time_passes():
    async with link.awake(0.2):
        time.sleep(0.4)
        for _ in range(20):
            await asyncio.sleep(0)


@virtual()
async def test_nothing_ends_after_it():
    async with link.awake(3):
        await asyncio.sleep(1)
    await asyncio.sleep(10)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1970-01-01T00:00:01.5Z", 1.5), ("2026-11-30T06:03:11.123456789Z", 1796018591.123456)]
)
def test_times_of_the_server(text, seconds):
    assert link.moment(text) == pytest.approx(seconds, abs=1e-5)
