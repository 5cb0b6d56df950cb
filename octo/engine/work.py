"""The tasks of a generation, so that draining knows what is left: messages under way, and deliveries being settled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Work:
    """See the module. tasks: owns every task.

    Invariant: a task is in `_working` or in `_settling` until it ends, never in both; it moves once, in `settle`.
    """

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._working: set[asyncio.Task[None]] = set()
        self._settling: set[asyncio.Task[None]] = set()
        self._is_over = False

    def __len__(self) -> int:
        return len(self._working) + len(self._settling)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run the coroutine in a task."""
        task = self._tasks.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._ended)
        return task

    def settle(self) -> None:
        """Note that from now on the calling task only gives a source its verdict."""
        task = asyncio.current_task()
        assert task is not None
        self._working.discard(task)
        self._settling.add(task)
        if self._is_over:
            task.cancel()  # a source that settles without waiting still gets the verdict

    async def finished(self) -> None:
        """Return once no task is left."""
        while self:
            await asyncio.wait({*self._working, *self._settling})

    async def cut(self, seconds: float) -> None:
        """Cancel the messages under way now, and the deliveries that are not settled after `seconds`."""
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
