"""Run a coroutine to its end, although callbacks and tasks of an author's functions may end the event loop before.

asyncio lets SystemExit and KeyboardInterrupt of a callback or a task through to the code that runs the loop. In a
service they are no wish to end it: signals have handlers of their own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger("octo.engine")


def run(coroutine: Coroutine[Any, Any, T], runner: asyncio.Runner) -> T:
    """Return what the coroutine returns, or raise what it raises. What else ends the loop is logged, and it goes on."""
    loop = runner.get_loop()
    task = loop.create_task(coroutine)
    while True:
        try:
            return loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt, RuntimeError) as error:  # RuntimeError: somebody called `stop()`
            if task.done() or loop.is_closed():
                raise
            log.error("a callback or task tried to end the process, going on", exc_info=error)  # noqa: TRY400  KeyboardInterrupt
