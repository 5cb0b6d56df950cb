"""What a store does that nobody waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from octo.core.errors import OctoError

log = logging.getLogger("octo.services")


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

        Its failure ends nothing: what is not given back comes back when its lease ends. A bug is in the log.
        """
        if self._is_open:
            self.tasks.create_task(_tried(work))
        else:
            work.close()


async def _tried(work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except OctoError:
        return  # who waits for the server is told by its health
    except Exception:
        log.exception("a task of the services broke")
