"""Tending: what blocks do besides messages, while their flows are fed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from octo.core.errors import OctoError
from octo.core.log import fields
from octo.engine.flow import Flow

log = logging.getLogger("octo.engine")

PAUSE = 10.0
"""Seconds before work that failed is begun again."""


class Tended:
    """The work of all blocks of a generation. begin: runs it in a task."""

    def __init__(self, begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        self._begin = begin
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, flows: Iterable[Flow]) -> None:
        self._tasks += [self._begin(_kept_up(flow.name, work)) for flow in flows for work in flow.tended]

    async def stop(self) -> None:
        """Return once all of it has ended."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks.clear()


async def _kept_up(flow: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            return await work()
        except Exception as error:
            is_planned = isinstance(error, OctoError)
            about = fields(flow=flow, error=str(error) if is_planned else type(error).__name__, seconds=PAUSE)
            log.warning(
                "work besides messages broke, trying again", extra=about, exc_info=None if is_planned else error
            )
        await asyncio.sleep(PAUSE)
