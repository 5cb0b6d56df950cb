"""The stub of the queues in a test: replies in place of consumers, and messages for sources."""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from octo.connectors.queue import codes
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.core.settings import Settings


class Reply(Settings):
    """A reply, and the dispatches that get it."""

    subject: str | None = None
    """The queue. Default: any."""
    body: object = None
    """The body of the reply."""
    vars: dict[str, object] = Field(default_factory=dict)
    """Variables of the reply."""
    error: str | None = None
    """Fail instead, with this text, as if the consumer had failed for good."""
    times: int | None = Field(default=None, ge=1)
    """How many dispatches get this reply; later ones get the next that fits. Default: all."""


class Stub(Settings):
    """No message leaves: one that waits for a reply gets one of these, any other is taken and forgotten."""

    replies: list[Reply] = Field(default_factory=list)
    """The replies, in order: the first that fits is given."""


class Trigger(Settings):
    """A message in the queue of the source."""

    body: object = None
    """Its body."""
    vars: dict[str, object] = Field(default_factory=dict)
    """Its variables."""
    correlation_id: str = Field(default="", alias="correlationID")
    """Its correlation id."""


class Replies:
    """Gives the replies of a stub."""

    def __init__(self, stub: Stub) -> None:
        self._replies = stub.replies
        self._given: Counter[int] = Counter()

    def reply(self, subject: str, message: Message) -> Message:
        """The message with the reply folded in. Raises `Permanent` for an error, or if no reply fits."""
        for number, each in enumerate(self._replies):
            if each.subject in (None, subject) and (each.times is None or self._given[number] < each.times):
                self._given[number] += 1
                if each.error is not None:
                    raise Permanent(f"the consumer failed: {each.error}", code=codes.FAILED)
                return message.with_body(each.body).with_vars({**message.vars, **each.vars})
        raise Permanent(f"the stub has no reply for the queue {subject[:80]!r}: add it under `replies`")
