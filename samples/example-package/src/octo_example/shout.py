"""shout: a block without a connector is a function."""

from __future__ import annotations

from octo.core.block import block
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Settings


class Shout(Settings):
    text: Expr[str]
    """What to say, e.g. `body.name`."""
    marks: int = 1
    """How many exclamation marks follow."""


@block("shout")
def shout(settings: Shout, message: Message) -> Message:
    """Replace the body by a text in capitals."""
    return message.with_body(settings.text(message).upper() + "!" * settings.marks)
