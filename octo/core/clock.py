"""One clock: the wall time of the event loop if it keeps one, as the virtual loop of tests does, else the system's."""

from __future__ import annotations

from asyncio import _get_running_loop  # unlike the public one it raises nothing where there is no loop
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from time import time_ns
from typing import Any, Protocol, runtime_checkable

from octo.expr.values import Timestamp


@runtime_checkable
class WallClock(Protocol):
    """An event loop that keeps its own wall time."""

    def wall_ns(self) -> int:
        """Nanoseconds since the epoch."""
        ...


@runtime_checkable
class Stopping(Protocol):
    """An event loop whose clock can be made to stand still."""

    def stopped(self) -> AbstractContextManager[None]: ...


class _Keeps(dict[type, bool]):
    """Whether loops of a class keep wall time. To look at a protocol takes longer than all else a clock is asked."""

    def __missing__(self, loop: type) -> bool:
        self[loop] = issubclass(loop, WallClock)
        return self[loop]


_keeps = _Keeps()


def of_loop() -> Callable[[], int] | None:
    """The wall clock that the running loop keeps, if it keeps one."""
    loop: Any = _get_running_loop()
    return loop.wall_ns if _keeps[loop.__class__] else None


def now_ns() -> int:
    """Wall time in nanoseconds since the epoch."""
    # As `of_loop`, without the call: every message asks twice.
    loop: Any = _get_running_loop()
    return loop.wall_ns() if _keeps[loop.__class__] else time_ns()


def now() -> datetime:
    """Wall time in UTC."""
    return datetime.fromtimestamp(now_ns() / 1e9, UTC)


def timestamp() -> Timestamp:
    """Wall time as CEL's `now`."""
    return Timestamp(now_ns())


@contextmanager
def stopped() -> Iterator[None]:
    """While inside, virtual time stands still, because something outside is waited for. Real time goes on."""
    loop: Any = _get_running_loop()
    if not isinstance(loop, Stopping):
        yield
        return
    with loop.stopped():
        yield
