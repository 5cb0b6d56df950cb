"""timeout: a chain with a deadline of its own."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from octo.blocks.length import Length, seconds
from octo.core import deadline
from octo.core.block import Site, block
from octo.core.errors import Timeout
from octo.core.expressions import Expr
from octo.core.flow import Outcome, Result
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Always, Steps
from octo.core.state import State


class TimeoutSettings(Settings):
    after: Length = Field(examples=["2s", "duration(vars.patience)"])
    """How long the chain may take, e.g. `2s`; or an expression whose value is a duration or a text such as `250ms`."""
    process: Annotated[Steps, Always()]
    """The chain."""

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        if isinstance(self.after, timedelta) and not self.after:
            raise ValueError("`after` is 0, so every chain that waits would fail")
        return self

    def shape_after(self, before: State) -> State:
        if isinstance(self.after, Expr):
            before.of(self.after)
        return before.chain(self.process)


@block("timeout")
def timeout(settings: TimeoutSettings, message: Message, site: Site) -> Result:
    """Run a chain; if it takes too long, cancel it down to the call that it waits for, and fail with a `Timeout`.

    An error chain sees that error, with the message as it came into this block; `vars.error.path` is the block that
    was waited for. If the deadline of the flow, or of a `timeout` further out, comes first, that one counts. Code that
    computes without waiting is not cut off.
    """
    length = seconds(settings.after, message)
    result = settings.process(message)
    if isinstance(result, Outcome):
        return result
    return _within(deadline.Deadline(f'block "{site.label}"', length), result, message)


async def _within(limit: deadline.Deadline, waiting: Awaitable[Outcome], message: Message) -> Outcome:
    try:
        return await limit.of(waiting)
    except Timeout as late:
        failure = limit.reached
        if failure is None:
            raise
        failure.message = message  # what was cut off may have worked on a copy
        raise failure from late
