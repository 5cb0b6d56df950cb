"""One clock. An event loop that keeps its own wall time (as the virtual one of tests does) is believed."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

from octo.expr.values import Timestamp


@runtime_checkable
class WallClock(Protocol):
    """An event loop that keeps its own wall time."""

    def wall_ns(self) -> int:
        """Nanoseconds since the epoch."""
        ...


def of_loop() -> Callable[[], int] | None:
    """The wall clock that the running loop keeps, if it keeps one."""
    loop: Any = asyncio._get_running_loop()  # noqa: SLF001  no error when there is no loop
    return loop.wall_ns if _keeps_time(loop.__class__) else None


@functools.cache
def _keeps_time(loop: type) -> bool:
    # Once for a class: to look at a protocol takes longer than everything else that is asked of a clock.
    return issubclass(loop, WallClock)


def now_ns() -> int:
    """Wall time in nanoseconds since the epoch."""
    wall = of_loop()
    return time.time_ns() if wall is None else wall()


def now() -> datetime:
    """Wall time in UTC."""
    return datetime.fromtimestamp(now_ns() / 1e9, UTC)


def timestamp() -> Timestamp:
    """Wall time as CEL's `now`."""
    return Timestamp(now_ns())
