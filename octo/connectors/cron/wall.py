"""The wall clock, as the timers of the event loop see it."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from octo.core import clock
from octo.core.log import fields

log = logging.getLogger("octo.cron")

NOTABLE = 60.0
"""Seconds by which the wall clock moves against the timers before a line in the log tells of it."""


class Wall:
    """Tells of it when the clock was set. schedule: whose ticks it is for, in the log."""

    def __init__(self, schedule: str) -> None:
        self._schedule = schedule
        self._ahead = self._measure()

    def look(self, due: datetime) -> None:
        """Log a warning if the clock was set since the last look. due: the next tick."""
        before, self._ahead = self._ahead, self._measure()
        moved = self._ahead - before
        if abs(moved) > NOTABLE:
            about = fields(schedule=self._schedule, seconds=round(moved), next=due.isoformat())
            log.warning("the clock was set, or the machine was asleep", extra=about)

    @staticmethod
    def _measure() -> float:
        return clock.now_ns() / 1e9 - asyncio.get_running_loop().time()
