"""One clock, which a virtual loop may replace."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from octo.core import clock


def test_now_is_wall_time_in_utc():
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 60


class Loop(asyncio.SelectorEventLoop):
    def wall_ns(self) -> int:
        return 1_000_000_000


def test_a_loop_with_a_wall_time_of_its_own_is_believed():
    async def read():
        return clock.now(), str(clock.timestamp())

    with asyncio.Runner(loop_factory=Loop) as runner:
        assert runner.run(read()) == (datetime.fromtimestamp(1, UTC), "1970-01-01T00:00:01Z")
