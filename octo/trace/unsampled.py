"""Messages outside the sample: nothing is written down of them, unless they fail.

Then what came in and the block that failed are worth a trace, a *brief* one: both are there without having been looked
for, the message in the flow's hand, the rest in the failure. Nor is anything remembered: a message's ids follow from
its event id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from octo.core.flow import Drop, Failure, Outcome, Result
from octo.core.message import Message
from octo.core.trace import current
from octo.engine.observe import Observer
from octo.engine.step import Step
from octo.trace.crossing import Spot, Trace, number_of, span_of


class Passing:
    """The span of what is done on behalf of such a message (`octo.core.trace.Span`).

    is_over: whether that is done; contexts outlive it, as a task keeps the one it was started in.
    """

    __slots__ = ("_message", "is_over")

    def __init__(self, message: Message) -> None:
        self._message = message
        self.is_over = False

    @property
    def traceparent(self) -> str:
        """Not sampled: who is called need not record it either, and comes to the same answer by its id."""
        message = self._message
        return f"00-{number_of(message.event_id, message.traceparent):032x}-{span_of(message.event_id)}-00"

    def effect(self, kind: str, details: dict[str, object]) -> None:
        """Forget it."""


class Outside(Observer):
    """Lets blocks that call other systems do so in a span; all others it leaves alone."""

    def step(self, step: Step) -> Step:
        return step if step.connector is None else step._replace(call=spanned(step.call))


def spanned(call: Callable[[Message], Result]) -> Callable[[Message], Result]:
    """The call, in a span that says that its message is not recorded."""
    enter, leave = current.set, current.reset

    def within(message: Message) -> Result:
        passing = Passing(message)
        token = enter(passing)
        try:
            result = call(message)
        finally:
            leave(token)
            passing.is_over = True
        if result.__class__ is Message or result.__class__ is Drop or not hasattr(result, "__await__"):
            return result
        return later(result, message)  # type: ignore[arg-type]

    async def later(waiting: Awaitable[Outcome], message: Message) -> Outcome:
        passing = Passing(message)
        token = enter(passing)
        try:
            return await waiting
        finally:
            leave(token)
            passing.is_over = True

    return within


def blamed(trace: Trace, failure: Failure, steps: Mapping[str, Step]) -> Trace:
    """The trace of a message that failed, with the block that did, if it was one."""
    first = trace.crossings[0]
    _, _, _, began, end, ended = first
    step = steps.get(failure.address)
    if step is not None:
        # When it began was not looked at, so it takes the flow's time.
        trace.crossings.append([Spot("", step), first, failure.message, began, end, ended])
    return trace
