"""Several requests at once, as one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import TypeVar

from octo_platform.deploy.target import Refused, Unreachable

Found = TypeVar("Found")


async def together(asked: Iterable[Coroutine[object, object, Found]]) -> list[Found]:
    """Their answers in order, or what the first one raised that failed.

    All have ended by then. None is cancelled because another failed: the client does not close a connection whose
    handshake is cut off that way, and each request ends in time anyway.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_settled(each)) for each in asked]
    found: list[Found] = []
    for task in tasks:
        result = task.result()
        if isinstance(result, (Refused, Unreachable)):
            raise result
        found.append(result)
    return found


async def _settled(asked: Coroutine[object, object, Found]) -> Found | Refused | Unreachable:
    try:
        return await asked
    except (Refused, Unreachable) as error:
        return error
