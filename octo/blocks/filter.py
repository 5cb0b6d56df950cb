"""filter: let a message pass, or drop it with a reason."""

from __future__ import annotations

from octo.core.block import block
from octo.core.expressions import Expr
from octo.core.flow import Drop, Outcome
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.state import State


class Filter(Settings):
    expr: Expr[bool]
    """Messages for which this is true pass, e.g. `body.amount > 0`."""
    reason: str = ""
    """Why the others are dropped; shown in events and traces. Default: `not` and the expression."""

    def shape_after(self, before: State) -> State:
        before.of(self.expr)
        return before


@block("filter")
def filter_message(settings: Filter, message: Message) -> Outcome:
    """Drop messages that do not satisfy a condition. The HTTP caller of a dropped message gets status 204."""
    if settings.expr(message):
        return message
    return Drop(settings.reason or f"not {settings.expr.text}")
