"""One clock. An event loop that keeps its own wall time (as the virtual one of tests does) is believed."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from octo.expr.values import Timestamp


def now_ns() -> int:
    """Wall time in nanoseconds since the epoch."""
    wall = getattr(asyncio._get_running_loop(), "wall_ns", None)  # noqa: SLF001  no error when there is no loop
    return time.time_ns() if wall is None else wall()


def now() -> datetime:
    """Wall time in UTC."""
    return datetime.fromtimestamp(now_ns() / 1e9, UTC)


def timestamp() -> Timestamp:
    """Wall time as CEL's `now`."""
    return Timestamp(now_ns())
