"""Partial results: values that a block sends before its message is done.

A model writes its answer word by word, a query finds its first rows early. A source that can stream (an HTTP response
as server-sent events) gives its inlet a receiver, and blocks send it values on the way:

    await partial({"text": word})        # in a generator block: yield partial(...)

They travel beside the message, whose outcome is complete without them. Without a receiver `partial` does nothing.
Called flows and branches share the receiver of their caller. A one-way call has none, because its caller does not wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

log = logging.getLogger("octo.core")

Receiver = Callable[[object], Awaitable[None]]
"""Takes one value at a time, in the order in which blocks send them. The block waits meanwhile: a slow reader slows
down the block, and with it what the block reads from, so that nothing piles up in between."""


class _Stream:
    """A receiver while its call runs. Invariant: once `receiver` is None, it gets no further value."""

    def __init__(self, receiver: Receiver, outer: _Stream | None) -> None:
        self.receiver: Receiver | None = receiver
        self._outer = outer
        self._turn = asyncio.Lock()

    async def send(self, value: object) -> None:
        async with self._turn:
            if self.receiver is None:
                return  # the call ended, or the receiver broke, while this value waited for its turn
            token = _current.set(self._outer)  # a receiver may pass on what it takes
            try:
                await self.receiver(value)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise  # the block was cancelled, not the receiver
                self._broke(error)
            except Exception as error:  # noqa: BLE001  a receiver that fails must not fail the block
                self._broke(error)
            finally:
                _current.reset(token)

    def _broke(self, error: BaseException) -> None:
        self.receiver = None
        log.warning("the receiver of partial results failed; it gets no more", exc_info=error)


_current: ContextVar[_Stream | None] = ContextVar("octo.partial", default=None)


async def partial(value: object) -> None:
    """Send a value to the receiver, if there is one; returns once the receiver has taken it.

    The value is shared as a body is: do not change it afterwards.
    """
    stream = _current.get()
    if stream is not None:
        await stream.send(value)


def is_streaming() -> bool:
    """Whether a receiver takes partial results now. Check it before work that only they need."""
    stream = _current.get()
    return stream is not None and stream.receiver is not None


@contextmanager
def receiving(receiver: Receiver) -> Iterator[None]:
    """While entered, send partial results to this receiver instead of the outer one; afterwards it gets no more."""
    stream = _Stream(receiver, _current.get())
    token = _current.set(stream)
    try:
        yield
    finally:
        stream.receiver = None
        _current.reset(token)


def leave() -> None:
    """From now on this task sends no partial results: no caller waits for it."""
    _current.set(None)
