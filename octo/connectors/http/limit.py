"""A time limit for many short waits that share one timer.

`asyncio.timeout` sets up a timer per wait, which costs more than parsing the body that is waited for. Here all waits
have the same limit, so they expire in the order in which they began, and one timer for the oldest is enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K")


class Deadline(Generic[K]):
    """Calls `expire` with everything that has been waited for longer than `seconds`."""

    def __init__(self, seconds: float, expire: Callable[[K], object]) -> None:
        self._seconds = seconds
        self._expire = expire
        self._waiting: dict[K, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __contains__(self, waited: K) -> bool:
        return waited in self._waiting

    def start(self, waited: K) -> None:
        # Invariant: `_waiting` is in order of expiry: all waits have the same limit, and each begins once.
        loop = asyncio.get_running_loop()
        self._waiting[waited] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look, loop)

    def stop(self, waited: K) -> None:
        self._waiting.pop(waited, None)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def take_first(self, least: float) -> K | None:
        """Take the oldest wait out and return what it is for, if it has lasted for `least` seconds, else None."""
        for waited, end in self._waiting.items():
            if asyncio.get_running_loop().time() - (end - self._seconds) < least:
                break
            del self._waiting[waited]
            return waited
        return None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for waited, end in list(self._waiting.items()):
            if end > now:
                self._timer = loop.call_at(end, self._look, loop)
                return
            del self._waiting[waited]
            self._expire(waited)


class TimeLimit:
    """Waits at most `seconds` for each of any number of concurrent awaitables."""

    def __init__(self, seconds: float) -> None:
        self._deadline: Deadline[asyncio.Task[object]] = Deadline(seconds, lambda task: task.cancel())

    async def of(self, awaitable: Awaitable[T]) -> T:
        """Return the result of the awaitable. Raises `TimeoutError` if it takes longer than the limit."""
        task = asyncio.current_task()
        assert task is not None
        self._deadline.start(task)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if task in self._deadline or task.uncancel():
                raise
            raise TimeoutError from None
        finally:
            self._deadline.stop(task)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._deadline)

    def end_first(self, least: float) -> bool:
        """End the oldest wait as if its limit had passed, if it has lasted for `least` seconds; return whether."""
        task = self._deadline.take_first(least)
        return task is not None and task.cancel()
