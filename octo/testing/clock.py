"""Virtual time: an event loop whose clock jumps to the next timer when nothing else can run.

An hour of cron ticks, retries or timeouts runs in milliseconds, in the order of real time and without races:

    from octo.testing.clock import virtual

    @virtual(start="2026-03-29T00:30:00Z")
    async def test_retries_three_times() -> None:
        await asyncio.sleep(3600)  # returns at once; octo.core.clock.now() is an hour later

`octo.core.clock` reads the clock of the running loop, so `now` in expressions moves too. Before time jumps, the loop
waits for threads of `asyncio.to_thread`, but not for sockets: a test that talks to a server runs in real time, or gives
`patience`.
"""

from __future__ import annotations

import asyncio
import functools
import re
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from octo.core.clock import Stopping, WallClock

T = TypeVar("T")

START = "2026-01-01T00:00:00Z"
"""When virtual time begins by default: a Thursday, at midnight UTC."""

_STUCK_AFTER = 20.0
_SECOND = 1_000_000_000


class Stuck(RuntimeError):
    """Every task waits, and no timer, socket or thread will wake one."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` moves only when all work is done, and then straight to the next timer.

    start: wall time at the beginning, as RFC 3339 text.
    patience: real seconds to wait for sockets before time jumps.
    """

    def __init__(self, start: str = START, patience: float = 0.0) -> None:
        self._elapsed_ns = 0
        self._origin_ns = nanoseconds(start)
        self._patience = patience
        self._threads = 0
        self._outside = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._elapsed_ns / _SECOND

    def wall_ns(self) -> int:
        """Nanoseconds since the epoch; what `octo.core.clock` reads."""
        return self._origin_ns + self._elapsed_ns

    def shift_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back while timers go on undisturbed, as NTP or a suspended laptop does."""
        self._origin_ns += round(seconds * _SECOND)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let no time pass while something outside is waited for."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    async def settle(self) -> None:
        """Let everything run that can run now, without time passing."""
        while True:
            await asyncio.sleep(0)
            if not self._ready and not self._threads:  # type: ignore[attr-defined]
                return

    def run_in_executor(  # type: ignore[override]  # the stub's type variables say no more
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """Run in a thread; time stands still until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: asyncio.Future[Any]) -> None:
        self._threads -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002
        """Wait for the threads in real time: a virtual deadline would pass at once."""
        self._threads += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._threads -= 1

    def wait(self, timeout: float | None, select: Callable[[float | None], list[Any]]) -> list[Any]:
        """Return the events of sockets, or move time on by `timeout` if there are none."""
        if timeout is not None and timeout <= 0:
            return select(0)
        if timeout is None or self._threads or self._outside:
            return select(_STUCK_AFTER) or self._stuck()
        events = select(self._patience)
        if not events:
            self._elapsed_ns += max(1, round(timeout * _SECOND))
        return events

    def _stuck(self) -> list[Any]:
        raise Stuck("no task can go on: " + ", ".join(sorted(map(_waiting, asyncio.all_tasks(self)))))


def nanoseconds(moment: str) -> int:
    """RFC 3339 text as nanoseconds since the epoch; `datetime` knows microseconds only."""
    whole = datetime.fromisoformat(moment).replace(microsecond=0)
    fraction = re.search(r"\.(\d+)", moment)
    return int(whole.timestamp()) * _SECOND + (int(fraction[1][:9].ljust(9, "0")) if fraction else 0)


def _waiting(task: asyncio.Task[Any]) -> str:
    frames = task.get_stack(limit=1)
    place = f" at {frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else ""
    return f"{task.get_name()} waits{place}"


_: type[WallClock] = VirtualLoop
__: type[Stopping] = VirtualLoop


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, unused-ignore]  # picked per platform
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        return self._loop.wait(timeout, super().select)


def run(main: Coroutine[Any, Any, T], *, start: str = START, patience: float = 0.0) -> T:
    """Run a coroutine in virtual time, like `asyncio.run`."""
    with asyncio.Runner(loop_factory=functools.partial(VirtualLoop, start, patience)) as runner:
        return runner.run(main)


def virtual(
    *, start: str = START, patience: float = 0.0
) -> Callable[[Callable[..., Coroutine[Any, Any, T]]], Callable[..., T]]:
    """Make an async test run in virtual time. Its fixtures must not be async: they would live in another loop."""

    def mark(test: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
        @functools.wraps(test)
        def in_virtual_time(*args: Any, **kwargs: Any) -> T:
            return run(test(*args, **kwargs), start=start, patience=patience)

        return in_virtual_time

    return mark


def shift_wall(seconds: float) -> None:
    """Set the running virtual loop's wall clock forward or back."""
    _running().shift_wall(seconds)


async def settle() -> None:
    """Let everything run that can run now, without time passing."""
    await _running().settle()


def _running() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise TypeError("this needs virtual time: mark the test with @virtual()")
    return loop
