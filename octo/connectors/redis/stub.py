"""The stub of Redis in a test: replies in place of the server's, and messages for sources."""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from octo.core import hand
from octo.core.errors import Permanent
from octo.core.hand import Hand
from octo.core.settings import Settings


class Reply(Settings):
    """A reply, and the commands that get it."""

    command: str | None = None
    """The command, e.g. `GET`. Default: any."""
    args: list[object] | None = None
    """Its arguments. Default: any."""
    reply: object = None
    """The reply."""
    error: str | None = None
    """Fail instead, with this text, as if the server had refused the command."""
    times: int | None = Field(default=None, ge=1)
    """How many commands get this reply; later ones get the next that fits. Default: all."""


class Stub(hand.Stub):
    """Nothing leaves: what is published or added is taken and forgotten, and commands get one of these replies. Sources
    get the messages that `trigger` makes, and no others.
    """

    replies: list[Reply] = Field(default_factory=list)
    """The replies, in order: the first that fits is given."""


class Desk(Hand):
    """What stands in for the server: gives messages to sources, and replies to commands."""

    def __init__(self, stub: Stub) -> None:
        super().__init__()
        self._replies = stub.replies
        self._given: Counter[int] = Counter()

    def reply(self, command: str, args: list[object]) -> object:
        """The reply to a command. Raises its error, or `Permanent` if no reply fits."""
        for number, each in enumerate(self._replies):
            is_meant = each.command is None or each.command.upper() == command
            if is_meant and each.args in (None, args) and (each.times is None or self._given[number] < each.times):
                self._given[number] += 1
                if each.error is not None:
                    raise Permanent(each.error)
                return each.reply
        raise Permanent(f"the stub has no reply for {command}: add it under `replies`")
