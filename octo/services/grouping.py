"""Calls that come while one is under way go together in the next: one statement, one commit, one trip for all.

A call that comes alone goes at once. So grouping adds nothing to the time of a single call, and a hundred tasks that
send at once pay for two commits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

A = TypeVar("A")
R = TypeVar("R")

MOST = 1000
"""Calls of one group, at most."""
BYTES = 4 << 20
"""Their values together, at most; a call that is larger goes alone."""


class _Asked(NamedTuple, Generic[A, R]):
    argument: A
    size: int
    answer: asyncio.Future[R]


class Grouped(Generic[A, R]):
    """Calls of one kind. tasks: runs the groups. work: carries out a group; returns a result per call, or an error."""

    def __init__(
        self, tasks: asyncio.TaskGroup, work: Callable[[Sequence[A]], Awaitable[Sequence[R | Exception]]]
    ) -> None:
        self._tasks = tasks
        self._work = work
        self._asked: deque[_Asked[A, R]] = deque()
        self._is_working = False

    @property
    def is_idle(self) -> bool:
        return not self._is_working

    def ask(self, argument: A, size: int = 0) -> asyncio.Future[R]:
        """Ask for a call. Who stops waiting for the answer does not stop the call."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(argument, size, answer))
        if not self._is_working:
            self._is_working = True
            self._tasks.create_task(self._run())
        return answer

    async def _run(self) -> None:
        group: list[_Asked[A, R]] = []
        try:
            while self._asked:
                group = self._next()
                for asked, result in zip(group, await self._results(group), strict=True):
                    _give(asked.answer, result)
        finally:  # when the store is closed before its time, nobody waits for ever
            self._is_working = False
            for asked in (*group, *self._asked):
                asked.answer.cancel()

    def _next(self) -> list[_Asked[A, R]]:
        group = [self._asked.popleft()]
        size = group[0].size
        while self._asked and len(group) < MOST and (size := size + self._asked[0].size) <= BYTES:
            group.append(self._asked.popleft())
        return group

    async def _results(self, group: list[_Asked[A, R]]) -> Sequence[R | Exception]:
        try:
            return await self._work([each.argument for each in group])
        except Exception as error:  # noqa: BLE001  each caller gets it
            return [error] * len(group)


def _give(answer: asyncio.Future[R], result: R | Exception) -> None:
    if answer.done():  # its caller has gone
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
