"""Threads for functions that block, apart for each user. A function that never returns takes no thread of another user.

A call whose caller has given up goes on, because nothing can stop a thread; that thread is *lost*. Another takes its
place, until as many are lost as may work: then further calls of this user are refused at once, until one of them
returns.

Threads are daemons: the executors of the standard library are joined when an event loop closes and when the interpreter
ends, so one function that hangs would keep a process that has nothing left to do.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from octo.core.errors import Overloaded
from octo.core.log import fields

T = TypeVar("T")

MOST = 64
"""At most this many threads of one user work. Once this many are lost, its calls are refused."""
IDLE = 30.0
"""Seconds after which a thread without work ends."""

log = logging.getLogger("octo.threads")


class _Call(Future[Any]):
    """A call that notes when its caller gives up while it runs."""

    def __init__(self, threads: Threads, function: Callable[[], Any]) -> None:
        super().__init__()
        self.threads = threads
        self.function = function
        self.is_lost = False

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if not cancelled:
            self.threads.lose(self)
        return cancelled


class Threads(Executor):
    """The threads of one user, e.g. a block: at most `most` that work, and twice as many with those that are lost.

    A thread is started when all others are busy; further calls wait for one.

    Invariant: all counts change under `_changed`. `_living` is the number of threads that are not lost.
    """

    def __init__(self, user: str, most: int = MOST) -> None:
        self.user = user
        self.most = most
        self.lost = 0
        self._living = 0
        self._idle = 0
        self._calls: deque[_Call] = deque()
        self._changed = threading.Condition()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See `concurrent.futures.Executor`. Raises `Overloaded` if `most` threads are lost, or none can be started."""
        call = _Call(self, partial(fn, *args, **kwargs))
        with self._changed:
            if self.lost >= self.most:
                raise Overloaded(f"{self.lost} threads of {self.user} hang in calls that nobody waits for any more")
            self._calls.append(call)
            self._provide()
            if not self._living:
                self._calls.pop()
                raise Overloaded(f"{self.user} cannot start a thread: the system allows no more")
        return call

    def lose(self, call: _Call) -> None:
        """Note that nobody waits for the call any more. Another thread takes the place of its own, if it still runs."""
        with self._changed:
            if call.is_lost or not call.running():
                return
            call.is_lost = True
            self.lost += 1
            self._living -= 1
            lost = self.lost
            if self._calls:
                self._provide()
        log.warning(
            "a function still runs although nobody waits for it any more",
            extra=fields(path=self.user, hanging=lost, most=self.most),
        )

    def _provide(self) -> None:
        """Wake an idle thread, or start one if there may be one more."""
        if self._idle >= len(self._calls):
            self._changed.notify()
        elif self._living < self.most:
            thread = threading.Thread(target=self._work, name=f"octo-blocking-{self.user}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system allows no more; a thread that works takes the call when it is free
                return
            self._living += 1

    # --- in a thread ---------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (call := self._next()) is not None:
            _run(call)
            with self._changed:
                if call.is_lost:
                    self.lost -= 1
                    return  # another thread has taken the place of this one
            del call

    def _next(self) -> _Call | None:
        """Return the next call; None if there was none for a while."""
        with self._changed:
            self._idle += 1
            has_one = self._changed.wait_for(lambda: self._calls, IDLE)
            self._idle -= 1
            if not has_one:
                self._living -= 1
                return None
            return self._calls.popleft()


def _run(call: _Call) -> None:
    if not call.set_running_or_notify_cancel():
        return
    try:
        result = call.function()
    except BaseException as error:  # noqa: BLE001  the future passes it to the caller
        call.set_exception(error)
        del call  # the traceback refers to this frame, which would refer to the error
    else:
        call.set_result(result)


_by_user: WeakValueDictionary[str, Threads] = WeakValueDictionary()
"""The threads of each user that has any: threads keep what they belong to alive."""


def threads_of(user: str) -> Threads:
    """Return the threads of this user. A reload does not change them, so what hangs still counts."""
    return _by_user.get(user) or _by_user.setdefault(user, Threads(user))


def hanging() -> dict[str, Threads]:
    """Return the threads of the users of whom some are lost, by user."""
    return {user: threads for user, threads in sorted(_by_user.items()) if threads.lost}
