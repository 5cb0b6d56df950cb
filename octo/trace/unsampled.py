"""Messages outside the sample: the recorder records nothing of them, unless they fail.

If one fails, it gets a *brief* trace: the message that came in and the block that failed. Both are known without having
been recorded: the flow still has the message, and the failure has the rest. The ids of the trace follow from the event
id of the message.
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
    """The span of work for such a message (`octo.core.trace.Span`).

    is_over: whether the work has ended. A context may outlive it: a task keeps the one that it was started in.
    """

    __slots__ = ("_message", "is_over")

    def __init__(self, message: Message) -> None:
        self._message = message
        self.is_over = False

    @property
    def traceparent(self) -> str:
        """Marked as not sampled: the system that is called need not record it either, and decides alike by its id."""
        message = self._message
        return f"00-{number_of(message.event_id, message.traceparent):032x}-{span_of(message.event_id)}-00"

    def effect(self, kind: str, details: dict[str, object]) -> None:
        """Do nothing: the effect is not recorded."""


class Outside(Observer):
    """Gives a span to blocks that use a connector; leaves other blocks as they are."""

    def step(self, step: Step) -> Step:
        return step if step.connector is None else step._replace(call=spanned(step.call))


def spanned(call: Callable[[Message], Result]) -> Callable[[Message], Result]:
    """The call, in a span that says that its message is not recorded.

    Invariant: `is_over` is set as soon as the work of the span has ended, also if it raised.
    """
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
    """The trace of a message that failed, with the block that failed, if there is one."""
    first = trace.crossings[0]
    _, _, _, began, end, ended = first
    step = steps.get(failure.address)
    if step is not None:
        # The beginning of the block was not recorded, so it gets the flow's times.
        trace.crossings.append([Spot("", step), first, failure.message, began, end, ended])
    return trace
