"""The deadline that the source of a message has set, and where the work was when it passed.

At the deadline the work is cancelled, as it is when its caller goes away, so no error path starts when no time is left.
But unlike then the flow has failed: it ends with a `Timeout`, at the block that it was waiting for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextvars import ContextVar

from octo.core.errors import Timeout
from octo.core.flow import Ending, Failure, Outcome, ending
from octo.core.message import Message
from octo.engine.step import Step


class Deadline:
    """The deadline of one message in the flow it came into, `seconds` after `of` is awaited; None for no deadline."""

    def __init__(self, flow: str, seconds: float | None) -> None:
        self._flow = flow
        self._seconds = seconds
        self._scope = asyncio.timeout(seconds)
        self._failure: Failure | None = None

    async def of(self, waiting: Awaitable[Outcome]) -> Ending:
        """Return how the work ended. Raises `Timeout` if the work was cancelled at the deadline."""
        token = _current.set(self)
        try:
            async with self._scope:
                return ending(await waiting)
        except TimeoutError:
            if self._scope.expired():
                raise self._late() from None
            raise
        finally:
            _current.reset(token)

    def note(self, step: Step, message: Message) -> None:
        """Note that the step is being cancelled. The first step to say so is the innermost: the flow waited for it."""
        if self._failure is None and self._scope.expired():
            self._failure = step.failed(self._late(), message)

    def failure(self, flow: str, message: Message) -> Failure | None:
        """Return what a flow that is being cancelled fails with; None if this deadline is not the reason."""
        if not self._scope.expired():
            return None
        return self._failure or Failure(self._late(), flow, flow, message)

    def _late(self) -> Timeout:
        return Timeout(f'flow "{self._flow}" did not finish within {self._seconds:g}s')


_current: ContextVar[Deadline | None] = ContextVar("octo.deadline", default=None)


def interrupted(step: Step, message: Message) -> None:
    """Note that a step is being cancelled, if a deadline applies to this task."""
    deadline = _current.get()
    if deadline is not None:
        deadline.note(step, message)


def failure(flow: str, message: Message) -> Failure | None:
    """Return what a flow that is being cancelled fails with; None if no deadline has passed."""
    deadline = _current.get()
    return None if deadline is None else deadline.failure(flow, message)


def leave() -> None:
    """Take this task out of its deadline: from now on no caller waits for it."""
    _current.set(None)
