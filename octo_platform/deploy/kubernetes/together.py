"""Several requests at once, as one: when one fails, the others end before that is told."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import TypeVar

Found = TypeVar("Found")


async def together(asked: Iterable[Coroutine[object, object, Found]]) -> list[Found]:
    """Their answers in order, or what the first one raised that failed."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in asked]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [each.result() for each in tasks]
