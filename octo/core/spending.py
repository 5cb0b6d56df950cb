"""Spending: work that has a budget, in counts, money and time."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from octo.core.budget import Budget, BudgetExceeded, Meter, metered, meters
from octo.core.deadline import Deadline
from octo.core.flow import Outcome, Processor, at_last
from octo.core.message import Message

T = TypeVar("T")


class _Time(Deadline):
    """The time of a budget: what is under way at its end was cut off by the budget."""

    def __init__(self, meter: Meter, seconds: float) -> None:
        super().__init__(meter.of, seconds)
        self._meter = meter
        self._allowed = seconds

    def _late(self) -> BudgetExceeded:
        return self._meter.exceeded("seconds", self._allowed, self._allowed)


async def spending(meter: Meter, work: Awaitable[T]) -> T:
    """Return the result of the work, and count on the meter what it spends.

    Raises `BudgetExceeded` if a limit of its budget is reached, or at the end of its time, when the work is cancelled.
    """
    seconds = None if meter.budget is None else meter.budget.seconds
    with metered(meter):
        if seconds is None:
            return await work
        anything: Any = work  # a deadline is declared for outcomes, and returns whatever the work does
        done: Any = await _Time(meter, seconds).of(anything)
        return done  # type: ignore[no-any-return]


def budgeted(process: Processor, budget: Budget, of: str) -> Processor:
    """A chain, with its error chain, that has a budget for each message. `timed` limits the time of the chain alone."""

    async def run(message: Message) -> Outcome:
        with metered(Meter(budget, of)):
            return await at_last(process(message))

    return run


def timed(chain: Processor, seconds: float) -> Processor:
    """A chain that is cancelled after so many seconds of the innermost budget, and has then failed.

    What handles its error is outside: it has to run when no time is left.
    """

    async def run(message: Message) -> Outcome:
        time = _Time(meters()[-1], seconds)
        try:
            return await time.of(at_last(chain(message)))
        except BudgetExceeded:
            if time.reached is None:
                raise
            raise time.reached from None  # at the block that was waited for

    return run
