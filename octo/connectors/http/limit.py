"""A time limit for many short waits that share one timer.

`asyncio.timeout` sets up a timer per wait, which costs more than parsing the body that is waited for. Here all waits
have the same limit, so they expire in the order in which they began, and one timer for the oldest is enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class TimeLimit:
    """Waits at most `seconds` for each of any number of concurrent awaitables."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[asyncio.Task[object], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def of(self, awaitable: Awaitable[T]) -> T:
        """Return the result of the awaitable. Raises `TimeoutError` if it takes longer than the limit."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        # Invariant: `_waiting` is in order of expiry: all waits have the same limit, and a task waits for one thing.
        self._waiting[task] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._expire, loop)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if task in self._waiting or task.uncancel():
                raise
            raise TimeoutError from None
        finally:
            self._waiting.pop(task, None)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def end_first(self, least: float) -> bool:
        """End the oldest wait as if its limit had passed, if it has lasted for `least` seconds; return whether."""
        for task, end in self._waiting.items():
            if asyncio.get_running_loop().time() - (end - self._seconds) < least:
                break
            del self._waiting[task]
            task.cancel()
            return True
        return False

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for task, end in list(self._waiting.items()):
            if end > now:
                self._timer = loop.call_at(end, self._expire, loop)
                return
            del self._waiting[task]
            task.cancel()
