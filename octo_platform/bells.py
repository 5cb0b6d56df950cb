"""Bells: somebody changed something, and those in this process who wait for it shall look."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Bells:
    """One bell for each topic. No ring is lost: rings are counted, and a waiter says how many it knows of."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def count(self, topic: str) -> int:
        return self._counts.get(topic, 0)

    def ring(self, topic: str) -> None:
        self._counts[topic] = self.count(topic) + 1
        for each in self._waiting.get(topic, ()):
            each.set()

    async def wait(self, topic: str, known: int, at_most: float) -> int:
        """Wait until the topic was rung more often than `known`, or for `at_most` seconds. Return the count."""
        if self.count(topic) == known:
            event = asyncio.Event()
            self._waiting.setdefault(topic, set()).add(event)
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(at_most):  # Python 3.11's wait_for may swallow a cancellation
                        await event.wait()
            finally:
                waiting = self._waiting[topic]
                waiting.discard(event)
                if not waiting:
                    del self._waiting[topic]
        return self.count(topic)
