"""The tasks of a generation, so that its end knows what is left: messages at work, and deliveries being settled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Work:
    """See the module. `tasks` owns every one of them."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._working: set[asyncio.Task[None]] = set()
        self._settling: set[asyncio.Task[None]] = set()
        self._is_over = False

    def __len__(self) -> int:
        return len(self._working) + len(self._settling)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it in a task."""
        task = self._tasks.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._ended)
        return task

    def settle(self) -> None:
        """From now on the calling task does nothing but tell a source what became of its delivery."""
        task = asyncio.current_task()
        assert task is not None
        self._working.discard(task)
        self._settling.add(task)
        if self._is_over:
            task.cancel()  # a source that takes it without waiting still hears of it

    async def finished(self) -> None:
        """Return once nothing is left."""
        while self:
            await asyncio.wait({*self._working, *self._settling})

    async def cut(self, seconds: float) -> None:
        """Cancel what is at work now, and what is not settled then."""
        for task in tuple(self._working):
            task.cancel()
        if self:
            await asyncio.wait({*self._working, *self._settling}, timeout=seconds)
        self._is_over = True
        for task in tuple(self._settling):
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._settling.discard(task)
