"""Deadlines: until when the work on a message may take, and where it was when that time passed.

The source of a message may set one, and a chain inside a block may have one of its own: the nearer of them counts. At a
deadline the work is cancelled, as it is when its caller goes away. So no error path starts inside of it when no time is
left. But unlike then it has failed: it ends with a `Timeout`, at the block that it was waiting for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from typing import Literal, NamedTuple, Protocol, overload

from octo.core.errors import OctoError, Timeout
from octo.core.flow import Ending, Failure, Outcome, ending
from octo.core.message import Message


class Failing(Protocol):
    """A step of a chain, as far as its failure goes."""

    def failed(self, error: Exception, message: Message) -> Failure: ...


class Lift:
    """Takes the time limit off a call while it runs: call it, e.g. once a stream to the caller has begun.

    Invariant: once it was called the limit is off, also if the call does not wait yet.
    """

    def __init__(self) -> None:
        self.is_lifted = False
        self._scope: asyncio.Timeout | None = None

    def bind(self, scope: asyncio.Timeout) -> None:
        """Take note of the limit, which is about to be entered."""
        self._scope = scope

    def __call__(self) -> None:
        self.is_lifted = True
        if self._scope is not None:
            with suppress(RuntimeError):  # the call is over, or the limit has passed in this moment
                self._scope.reschedule(None)


class Deadline:
    """The deadline of the work on one message, `seconds` after `of` is awaited; None for no deadline.

    name: what must be done by then, e.g. `flow "orders"`. at: when it is, in the time of the loop, if the seconds have
    begun before. lift: takes the deadline off.
    """

    def __init__(self, name: str, seconds: float | None, at: float | None = None, lift: Lift | None = None) -> None:
        self.name = name
        self.seconds = seconds
        self.outer: Deadline | None = None
        is_lifted = lift is not None and lift.is_lifted
        self._scope = asyncio.timeout(None if is_lifted else seconds) if at is None else asyncio.timeout_at(at)
        if lift is not None:
            lift.bind(self._scope)
        self._failure: Failure | None = None

    @overload
    async def of(self, waiting: Awaitable[Outcome], *, is_last: Literal[True]) -> Ending: ...
    @overload
    async def of(self, waiting: Awaitable[Outcome], *, is_last: bool = False) -> Outcome: ...
    async def of(self, waiting: Awaitable[Outcome], *, is_last: bool = False) -> Outcome:
        """Return the outcome of the work. Raises `Timeout` if the work was cancelled at the deadline.

        is_last: whether the message ends with this work, so that a stop is an answer like any other.
        """
        self.outer = _current.get()
        token = _current.set(self)
        try:
            async with self._scope:
                outcome = await waiting
                return ending(outcome) if is_last else outcome
        except TimeoutError:
            if self._scope.expired():
                raise self._late() from None
            raise
        finally:
            _current.reset(token)

    def left(self, now: float) -> float | None:
        """The seconds that are left at a time of the event loop."""
        end = self._scope.when()
        return None if end is None else max(0.0, end - now)

    def note(self, step: Failing, message: Message) -> None:
        """Note that the step is being cancelled. The first step to say so is the innermost: the work waited for it."""
        if self._failure is None and self._scope.expired():
            self._failure = step.failed(self._late(), message)

    @property
    def reached(self) -> Failure | None:
        """What the step failed with that was waited for at the deadline; None if no step was."""
        return self._failure

    def failure(self, address: str, message: Message) -> Failure | None:
        """Return what work that is being cancelled fails with; None if this deadline is not the reason."""
        if not self._scope.expired():
            return None
        return self._failure or Failure(self._late(), address, address, message)

    def _late(self) -> OctoError:
        return Timeout(f"{self.name} did not finish within {self.seconds:g}s")


class Left(NamedTuple):
    """How much time is left, in seconds, and which deadline says so."""

    seconds: float
    deadline: Deadline

    def __str__(self) -> str:
        return f"{self.deadline.name} must finish within {self.deadline.seconds:g}s, {self.seconds:.3g}s are left"


_current: ContextVar[Deadline | None] = ContextVar("octo.deadline", default=None)


def _all() -> Iterator[Deadline]:
    """The deadlines of this task, the innermost first."""
    deadline = _current.get()
    while deadline is not None:
        yield deadline
        deadline = deadline.outer


def left() -> Left | None:
    """Return the time until the nearest deadline of this task; None if there is no deadline.

    Invariant: a block asks inside of its coroutine. What a flow does before anything waits is not under a deadline yet.
    """
    now = asyncio.get_running_loop().time()
    found = [Left(seconds, each) for each in _all() if (seconds := each.left(now)) is not None]
    return min(found, key=lambda each: each.seconds, default=None)


def interrupted(step: Failing, message: Message) -> None:
    """Note that a step is being cancelled, if a deadline applies to this task."""
    for deadline in _all():
        deadline.note(step, message)


def failure(flow: str, message: Message) -> Failure | None:
    """Return what a flow that is being cancelled fails with; None if no deadline has passed."""
    return next((found for each in _all() if (found := each.failure(flow, message)) is not None), None)


def leave() -> None:
    """Take this task out of its deadlines: from now on no caller waits for it."""
    _current.set(None)
