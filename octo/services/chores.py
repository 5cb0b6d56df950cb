"""What a store does that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from octo.core.errors import OctoError


class Chores:
    """Tasks of a store, while entered; leaving waits for them. An error of the body is raised as itself, in no group.

    tasks: for work that handles its errors by itself.
    """

    def __init__(self) -> None:
        self.tasks = asyncio.TaskGroup()
        self._is_open = True

    async def __aenter__(self) -> Self:
        await self.tasks.__aenter__()
        return self

    async def __aexit__(
        self, type_: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        try:
            await self.tasks.__aexit__(type_, error, trace)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Do the work in a task, unless the store is being closed.

        A failure of the server ends nothing: what is not given back comes back when its lease ends.
        """
        if self._is_open:
            self.tasks.create_task(_tried(work))
        else:
            work.close()


async def _tried(work: Coroutine[Any, Any, object]) -> None:
    with suppress(OctoError):
        await work
