"""Watches a connector at work: tasks that it leaves, warnings, calls that block, network use, log lines."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

TURNS = (0, 1, 2, 5, 20)
"""The numbers of turns of the event loop after which work is cancelled."""

_NETWORK = ("socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname")
_BLOCKING = ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request")


class Findings:
    """The problems found so far.

    texts: all texts that were printed, logged or raised, which are later searched for secrets.
    unsafe: sources that must not be run, because the engine would wait for them for ever.
    """

    def __init__(self) -> None:
        self.unsafe: set[str] = set()
        self.problems: list[str] = []
        self.texts: list[tuple[str, str]] = []

    def add(self, problem: str) -> None:
        """Note a problem, once."""
        if problem not in self.problems:
            self.problems.append(problem)

    def raised(self, where: str, error: BaseException) -> str:
        """Note the text of an error for the search for secrets; return the error's kind and text for a message."""
        self.texts.append((f"an error of {where}", str(error)))
        return f"{type(error).__name__}: {error}"


@asynccontextmanager
async def watched(where: str, found: Findings, *, network: bool = True) -> AsyncIterator[None]:
    """Report what the work leaves behind, and the forbidden things that it does.

    network: whether it may use the network.
    """
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    handler = loop.get_exception_handler()
    with _warnings(where, found), _log(where, found), _calls(where, found, network=network):
        loop.set_exception_handler(lambda _, context: _unhandled(where, context, found))
        try:
            yield
            for _ in range(max(TURNS)):
                await asyncio.sleep(0)
            for task in asyncio.all_tasks() - before:
                found.add(f"{where} leaves a task behind ({_named(task)}): own it with a TaskGroup inside `open`")
                task.cancel()
            gc.collect()
        finally:
            loop.set_exception_handler(handler)


async def cancelled(work: Coroutine[Any, Any, object], turns: int, patience: float) -> str:
    """Cancel the work after so many turns of the event loop; return what it did wrong, or "".

    Raises the error of the work if it fails before that.
    """
    # Not in a TaskGroup: work that ignores its cancellation would keep the check waiting for ever.
    task = asyncio.get_running_loop().create_task(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    if task.done():
        task.result()
        return ""
    task.cancel()
    await asyncio.wait({task}, timeout=patience)
    if not task.done():
        task.cancel()  # once more, because the end of the event loop waits for all tasks
        return "continues after it is cancelled: let CancelledError through"
    if task.cancelled() or task.exception() is None:
        return ""
    error = task.exception()
    return f"raises {type(error).__name__} when it is cancelled ({error}): let CancelledError through"


def _named(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", task.get_name())


def _unhandled(where: str, context: dict[str, Any], found: Findings) -> None:
    error = context.get("exception")
    text = f"{context['message']}: {error!r}" if error else str(context["message"])
    found.add(f"{where} loses an error in the event loop ({text}): await what you start")


@contextmanager
def _warnings(where: str, found: Findings) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield
    for each in seen:
        if issubclass(each.category, ResourceWarning | RuntimeWarning):
            found.add(f"{where} warns: {each.message}; close it, or await it, before `open` is left")


@contextmanager
def _log(where: str, found: Findings) -> Iterator[None]:
    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = f"{record.getMessage()} {getattr(record, 'fields', '')}"
            found.texts.append((f"the log of {where}", text))

    handler = Kept()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


# --- what is called ----------------------------------------------------------------------------------------------

_listeners: list[Callable[[str, tuple[Any, ...]], None]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _listeners and event in (*_NETWORK, *_BLOCKING):
        for each in tuple(_listeners):
            each(event, arguments)


def _install() -> None:
    # An audit hook cannot be removed: one is installed per process, and does nothing without listeners.
    if not _install.__dict__.setdefault("done", False):
        sys.addaudithook(_audit)
        _install.__dict__["done"] = True


@contextmanager
def _calls(where: str, found: Findings, *, network: bool) -> Iterator[None]:
    here, sleep = threading.get_ident(), time.sleep

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        blocks = event in _BLOCKING or (event == "socket.connect" and arguments[0].gettimeout() != 0)
        if blocks and threading.get_ident() == here:
            found.add(_blocking(where, event))
        if not network and event in _NETWORK:
            found.add(f"{where} uses the network ({event} {arguments[-1]!r}): a stub must work without other systems")

    def sleeping(seconds: float) -> None:
        if threading.get_ident() == here:
            found.add(_blocking(where, "time.sleep"))
        sleep(seconds)

    _install()
    _listeners.append(hear)
    try:
        with patch("time.sleep", sleeping):
            yield
    finally:
        _listeners.remove(hear)


def _blocking(where: str, what: str) -> str:
    return (
        f"{where} blocks the event loop ({what}), which stops all flows: await an asynchronous call, or use "
        "`asyncio.to_thread`"
    )
