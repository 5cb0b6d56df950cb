"""Messages outside the sample: nothing is written down of them, unless they fail.

Then what came in and the block that failed are worth a trace, a *brief* one: both are there without having been looked
for, the message in the flow's hand, the rest in the failure.
"""

from __future__ import annotations

from collections.abc import Mapping

from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine.chain import Step
from octo.trace.crossing import Broken, Crossing, Site, Trace, id_of_span, id_outside


class Passing:
    """The span of a message that is not recorded (`octo.core.trace.Span`). Its ids are made when somebody asks.

    share: of the ids that are chosen; ours is none of them. number: the trace id, if it is known, else 0.
    """

    __slots__ = ("_number", "_share", "_span")

    def __init__(self, share: int, number: int = 0) -> None:
        self._share = share
        self._number = number
        self._span = ""

    @property
    def number(self) -> int:
        if not self._number:
            self._number = id_outside(self._share)
        return self._number

    @property
    def span(self) -> str:
        if not self._span:
            self._span = id_of_span()
        return self._span

    @property
    def traceparent(self) -> str:
        """Not sampled: who is called need not record it either, and comes to the same answer by its id."""
        return f"00-{self.number:032x}-{self.span}-00"

    def effect(self, kind: str, details: dict[str, object]) -> None:
        """Forget it."""


def brief(trace: Trace, error: BaseException, steps: Mapping[str, Step], end: Broken) -> Trace:
    """The trace of a message that failed, with the block that did."""
    trace.brief = True
    first = trace.crossings[0]
    step = steps.get(error.address) if isinstance(error, Failure) else None
    if isinstance(error, Failure) and step is not None:
        trace.crossings.append(_crossing(first, step, error.message, end))
    return trace


def _crossing(first: Crossing, step: Step, message: Message, end: Broken) -> Crossing:
    """The block's; when it began was not looked at, so it takes the flow's time."""
    _, _, _, began, _, ended, _ = first
    return [Site("", step), first, message, began, end, ended, ""]
