"""Threads for functions that block. A function that never returns does not keep the process from ending.

The executors of the standard library are joined when an event loop closes and again when the interpreter ends: one
hanging function would keep a process that has nothing left to do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Threads(Executor):
    """At most `most` daemon threads. A thread is started when all others are busy; further calls wait for a thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._started = 0
        self._starting = threading.Lock()
        self._idle = threading.Semaphore(0)
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        self._waiting.put((future, partial(fn, *args, **kwargs)))
        if not self._idle.acquire(blocking=False):
            self._start()
        return future

    def _start(self) -> None:
        with self._starting:
            if self._started < self._most:
                threading.Thread(target=self._work, name=f"octo-blocking-{self._started}", daemon=True).start()
                self._started += 1

    def _work(self) -> None:
        while True:
            _run(*self._waiting.get())
            self._idle.release()


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001  the future passes it to the caller
        future.set_exception(error)
    else:
        future.set_result(result)
