"""Partial results: what a block can say before its message is done.

A model writes its answer word by word, a query finds its first rows early. A source that can stream (an HTTP response
as server-sent events) gives its inlet a receiver, and blocks hand it values on the way:

    await partial({"text": word})        # in a generator block: yield partial(...)

They travel beside the message, which stays a value: its outcome is the answer, complete without them. Without a
receiver nothing happens. Called flows and branches share the receiver of their caller; a one-way call, which nobody
waits for, has none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

log = logging.getLogger("octo.core")

Receiver = Callable[[object], Awaitable[None]]
"""Takes one value at a time, in the order in which blocks hand them over. Whoever handed it over waits meanwhile: a
slow reader slows down the block, and with it what the block reads from, so that nothing piles up in between."""


class _Stream:
    """A receiver while its call runs. Invariant: once `receiver` is None, no further value is handed over."""

    def __init__(self, receiver: Receiver, outer: _Stream | None) -> None:
        self.receiver: Receiver | None = receiver
        self._outer = outer
        self._turn = asyncio.Lock()

    async def send(self, value: object) -> None:
        async with self._turn:
            if self.receiver is None:
                return  # the call ended, or the receiver broke, while this value waited for its turn
            token = _current.set(self._outer)  # a receiver may hand on what it takes
            try:
                await self.receiver(value)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise  # it is the block that is cancelled, not the receiver
                self._broke(error)
            except Exception as error:  # noqa: BLE001  whoever listens must not fail what it listens to
                self._broke(error)
            finally:
                _current.reset(token)

    def _broke(self, error: BaseException) -> None:
        self.receiver = None
        log.warning("the receiver of partial results failed; it gets no more", exc_info=error)


_current: ContextVar[_Stream | None] = ContextVar("octo.partial", default=None)


async def partial(value: object) -> None:
    """Hand a value to whoever waits for the message and can take it early; returns once it was taken.

    The value is shared as a body is: nobody changes it afterwards.
    """
    stream = _current.get()
    if stream is not None:
        await stream.send(value)


def is_streaming() -> bool:
    """Whether somebody takes partial results now. Ask before work that only they would need."""
    stream = _current.get()
    return stream is not None and stream.receiver is not None


@contextmanager
def receiving(receiver: Receiver) -> Iterator[None]:
    """Give the receiver what is handed over inside, instead of the one outside; nothing more once it is left."""
    stream = _Stream(receiver, _current.get())
    token = _current.set(stream)
    try:
        yield
    finally:
        stream.receiver = None
        _current.reset(token)


def leave() -> None:
    """From now on this task works for nobody who waits."""
    _current.set(None)
