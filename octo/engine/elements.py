"""Elements: the messages that flows make of a delivery, which must have ended before it is settled."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

from octo.core.errors import Transient
from octo.core.flow import Failure


class Elements:
    """Those of one delivery, and the elements of these. outer: those that these belong to, too.

    Invariant: a task stays in `_tasks` until it has ended.
    """

    def __init__(self, outer: Elements | None = None) -> None:
        self._outer = outer
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: Failure | None = None
        self._is_cut = False

    def add(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        if self._outer is not None:
            self._outer.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._is_cut = self._is_cut or task.cancelled()

    @property
    def is_under_way(self) -> bool:
        """Whether some have not ended yet."""
        return bool(self._tasks)

    @property
    def is_cut(self) -> bool:
        """Whether one has ended before it had finished."""
        return self._is_cut

    def cut(self) -> None:
        """Note that an element has ended before it had finished."""
        self._is_cut = True
        if self._outer is not None:
            self._outer.cut()

    def failed(self, failure: Failure) -> None:
        """Note the failure of an element without which the delivery has failed."""
        self._failure = self._failure or failure
        if self._outer is not None:
            self._outer.failed(failure)

    async def ended(self) -> None:
        """Return once all have ended, in whatever way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def finished(self) -> None:
        """Return once all have ended. Raises what fails the delivery: a failure, or that an element was cancelled."""
        await self.ended()
        if self._failure is not None:
            raise self._failure
        if self._is_cut:
            raise Transient("the flow was stopped before all elements had finished")


_current: ContextVar[Elements | None] = ContextVar("octo.elements", default=None)


def gather(outer: Elements | None = None) -> Elements:
    """Take note of the elements that this task makes from now on, and those that are made of them."""
    elements = Elements(outer)
    _current.set(elements)
    return elements


def current() -> Elements | None:
    """The elements of the delivery that this task works for; None if nobody waits for them."""
    return _current.get()


def resume(elements: Elements | None) -> None:
    """Go on to take note of the elements as before a `gather`."""
    _current.set(elements)


def leave() -> None:
    """From now on this task works for no delivery."""
    _current.set(None)
