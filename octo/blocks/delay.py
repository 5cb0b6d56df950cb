"""delay: wait, then go on with the same message."""

from __future__ import annotations

import asyncio

from pydantic import Field

from octo.blocks.length import Length, seconds
from octo.core import deadline
from octo.core.block import block
from octo.core.errors import Timeout
from octo.core.expressions import Expr
from octo.core.flow import Result
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.state import State


class Delay(Settings):
    for_: Length = Field(alias="for", examples=["2s", "timestamp(body.due) - now"])
    """How long, e.g. `2s`; or an expression whose value is a duration, e.g. `timestamp(body.due) - now`, or a text such
    as `250ms`. Zero or less does not wait."""

    def shape_after(self, before: State) -> State:
        if isinstance(self.for_, Expr):
            before.of(self.for_)
        return before


@block("delay")
def delay(settings: Delay, message: Message) -> Result:
    """Wait for a time, then pass the message on unchanged.

    A delay that would end after the deadline of its flow, or of a `timeout` around it, fails at once with a `Timeout`,
    while there is time to answer. The message keeps its worker while it waits.
    """
    length = seconds(settings.for_, message)
    return message if length <= 0 else _later(length, message)


async def _later(length: float, message: Message) -> Message:
    left = deadline.left()
    if left is not None and left.seconds <= length:
        raise Timeout(f"a delay of {length:g}s would end after the deadline: {left}")
    await asyncio.sleep(length)
    return message
