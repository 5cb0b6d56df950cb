"""Work outside the event loop, in threads that only the port uses.

The blocks of flows use threads of their own and may keep all of them busy; the port must report health even then. A
store of traces may be slow, or hang; it has threads apart, so that metrics go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from octo.core.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")

_port = Threads("the operations port", 2)
_store = Threads("the store of traces", 4)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function in a thread and return its result."""
    return await asyncio.get_running_loop().run_in_executor(_port, lambda: function(*args, **kwargs))


async def in_store_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that reads stored traces."""
    return await asyncio.get_running_loop().run_in_executor(_store, lambda: function(*args, **kwargs))
