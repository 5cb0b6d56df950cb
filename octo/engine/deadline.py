"""The deadline that whoever brought a message has set, and where the work was when it passed.

At the deadline work is cancelled as it is when its caller leaves, so that no error path starts on time that nobody has.
But then it is the flow that failed: its end is a `Timeout`, under the block that was waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextvars import ContextVar

from octo.core.errors import Timeout
from octo.core.flow import Failure, Outcome
from octo.core.message import Message
from octo.engine.step import Step


class Deadline:
    """The deadline of one message in the flow it came into, `seconds` from when it is waited for; None is never."""

    def __init__(self, flow: str, seconds: float | None) -> None:
        self._flow = flow
        self._seconds = seconds
        self._scope = asyncio.timeout(seconds)
        self._failure: Failure | None = None

    async def of(self, waiting: Awaitable[Outcome]) -> Outcome:
        """What the work answers. Raises `Timeout` once it was cancelled at the deadline."""
        token = _current.set(self)
        try:
            async with self._scope:
                return await waiting
        except TimeoutError:
            if self._scope.expired():
                raise self._late() from None
            raise
        finally:
            _current.reset(token)

    def note(self, step: Step, message: Message) -> None:
        """The step is being cancelled; the first one to say so is the innermost, and the one that was waited for."""
        if self._failure is None and self._scope.expired():
            self._failure = step.failed(self._late(), message)

    def failure(self, flow: str, message: Message) -> Failure | None:
        """What a flow fails with that is being cancelled; None if that is not for this deadline."""
        if not self._scope.expired():
            return None
        return self._failure or Failure(self._late(), flow, flow, message)

    def _late(self) -> Timeout:
        return Timeout(f'flow "{self._flow}" did not finish within {self._seconds:g}s')


_current: ContextVar[Deadline | None] = ContextVar("octo.deadline", default=None)


def interrupted(step: Step, message: Message) -> None:
    """Note that a step is being cancelled."""
    deadline = _current.get()
    if deadline is not None:
        deadline.note(step, message)


def failure(flow: str, message: Message) -> Failure | None:
    """What a flow fails with that is being cancelled; None if no deadline passed."""
    deadline = _current.get()
    return None if deadline is None else deadline.failure(flow, message)


def leave() -> None:
    """From now on this task works for nobody who waits."""
    _current.set(None)
