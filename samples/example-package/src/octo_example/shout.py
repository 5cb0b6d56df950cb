"""shout: a block without a connector is a function."""

from __future__ import annotations

from octo import Expr, Message, Settings, block


class Shout(Settings):
    text: Expr[str]
    """What to say, e.g. `body.name`."""
    marks: int = 1
    """How many exclamation marks follow."""


@block("shout")
def shout(settings: Shout, message: Message) -> Message:
    """Replace the body by a text in capitals."""
    return message.with_body(settings.text(message).upper() + "!" * settings.marks)
