"""Work outside the event loop, in one thread that only the port uses.

The blocks of flows use asyncio's threads and may keep all of them busy; the port must report health even then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function in that thread and return its result. Calls run one after the other."""
    return await asyncio.get_running_loop().run_in_executor(_thread(), lambda: function(*args, **kwargs))


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "octo-operations")
