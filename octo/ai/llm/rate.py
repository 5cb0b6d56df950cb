"""A rate: how many calls, and how many tokens, all flows of a connector may begin in a time.

The algorithm is GCRA (ITU-T I.371): only the time is kept at which the bucket would be full again. So many calls as the
limit says may begin at once after a pause; then they are spread over the time.
"""

from __future__ import annotations

import asyncio

from octo.ai import codes
from octo.core import deadline
from octo.core.errors import Overloaded

LONGEST = 120.0
"""Seconds that a call waits for its turn if its flow has no deadline."""


class Rate:
    """limit: so many units in so many seconds."""

    def __init__(self, limit: int, seconds: float, unit: str) -> None:
        self._limit = limit
        self._seconds = seconds
        self._unit = unit
        self._full_at = 0.0

    async def take(self, units: int) -> None:
        """Wait until so many more may begin. Raises `Overloaded` at once if that is after the deadline of the flow."""
        now = asyncio.get_running_loop().time()
        cost = min(units, self._limit) * self._seconds / self._limit
        full_at = max(self._full_at, now) + cost
        wait = full_at - now - self._seconds
        left = deadline.left()
        longest = LONGEST if left is None else left.seconds
        if wait > longest:
            text = f"the connector's rate of {self._limit} {self._unit} in {self._seconds:g}s is used up"
            raise Overloaded(text, retry_after=wait, code=codes.LIMITED)
        self._full_at = full_at
        if wait > 0:
            try:
                await asyncio.sleep(wait)
            except asyncio.CancelledError:
                self._full_at -= cost  # it did not begin; who waits behind it may come a little late, never early
                raise
