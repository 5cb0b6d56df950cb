"""What a model is doing, while it does it: for a chain of the flow, and for who takes partial results."""

from __future__ import annotations

import logging

from octo.ai.conversation import Piece
from octo.ai.model import Hear
from octo.core.flow import Failure, Processor, Stop, at_last
from octo.core.log import fields
from octo.core.message import Message
from octo.core.partial import is_streaming, partial

log = logging.getLogger("octo.ai")


class Left(Exception):
    """The chain has stopped: nobody listens any more, so that nothing more need be written."""

    def __init__(self, stop: Stop) -> None:
        super().__init__("the chain of events has stopped")
        self.stop = stop


def heard(chain: Processor | None, message: Message) -> Hear | None:
    """What passes the pieces on, as `{type, text}`; None if nobody takes them. It raises `Left` if the chain stops."""
    if chain is None and not is_streaming():
        return None

    async def hear(piece: Piece) -> None:
        if piece.kind == "tool_input":
            return
        event = {"type": piece.kind, "text": piece.text}
        await partial(event)
        if chain is not None:
            await tell(chain, message.with_body(event))

    return hear


async def tell(chain: Processor, event: Message) -> None:
    """Run a chain of events. Raises `Left` if it stops; its errors are only logged: who listens must not fail us."""
    try:
        outcome = await at_last(chain(event))
    except Failure as failure:
        log.warning("the events of an answer failed", extra=fields(error=str(failure)))
        return
    if isinstance(outcome, Stop):
        raise Left(outcome)
