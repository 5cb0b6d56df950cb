"""Work in a thread beside the event loop: what would make the loop stand still, such as compiling a configuration.

Python runs one thread at a time, so the work gives way to the loop: it is interrupted as soon as the loop has waited
for `PATIENCE`. The threads are daemons: work whose result nobody waits for does not keep a process from ending.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 0.0005
"""Seconds that the loop waits at each of its turns while there is work in the background. Python's own 5 ms would do
for one turn, but an answer takes several: its latency would be ten times as long."""


async def in_background(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function in a thread of its own and return or raise what it does.

    When the caller is cancelled, the function still runs to its end; its result is dropped.
    """
    # By the loop's own way into threads: a loop of virtual time stands still while they work.
    return await asyncio.get_running_loop().run_in_executor(_threads, lambda: function(*args, **kwargs))


class _Threads(Executor):
    """A daemon thread for each call."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        threading.Thread(
            target=_run, args=(future, lambda: fn(*args, **kwargs)), name="octo-background", daemon=True
        ).start()
        return future


_threads = _Threads()


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        with _giving_way():
            result = call()
    except BaseException as error:  # noqa: BLE001  the future passes it to the caller
        future.set_exception(error)
    else:
        future.set_result(result)


_lock = threading.Lock()
_working = 0
_usual = sys.getswitchinterval()


@contextmanager
def _giving_way() -> Iterator[None]:
    """A context in which threads that wait for this one get their turn after `PATIENCE`."""
    global _working, _usual  # noqa: PLW0603  a fact about the process
    with _lock:
        if not _working:
            _usual = sys.getswitchinterval()
            sys.setswitchinterval(PATIENCE)
        _working += 1
    try:
        yield
    finally:
        with _lock:
            _working -= 1
            if not _working:
                sys.setswitchinterval(_usual)
