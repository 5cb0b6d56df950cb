"""One clock, which a virtual loop may replace."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from octo.core import clock


def test_now_is_wall_time_in_utc():
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 60


async def test_a_loop_with_a_wall_time_of_its_own_is_believed():
    loop = asyncio.get_running_loop()
    loop.wall_ns = lambda: 1_000_000_000
    try:
        assert clock.now() == datetime.fromtimestamp(1, UTC)
        assert str(clock.timestamp()) == "1970-01-01T00:00:01Z"
    finally:
        del loop.wall_ns
