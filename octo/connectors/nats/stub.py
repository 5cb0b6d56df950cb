"""The stub of NATS in a test: replies in place of who answers requests, and messages for sources."""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from octo.connectors.nats import codes
from octo.core import hand
from octo.core.errors import Permanent, Transient
from octo.core.hand import Hand
from octo.core.settings import Settings
from octo.core.wire import Given, written


class Reply(Settings):
    """A reply, and the requests that get it."""

    subject: str | None = None
    """The subject of the request. Default: any."""
    body: object = None
    """The body of the reply."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of the reply."""
    error: str | None = None
    """Fail instead, with this text, as if nobody listened."""
    times: int | None = Field(default=None, ge=1)
    """How many requests get this reply; later ones get the next that fits. Default: all."""


class Stub(hand.Stub):
    """No message leaves: what is published is taken and forgotten, and requests get one of these replies. Sources get
    the messages that `trigger` makes, and no others.
    """

    replies: list[Reply] = Field(default_factory=list)
    """The replies, in order: the first that fits is given."""


class Desk(Hand):
    """What stands in for the server: gives messages to sources, and replies to requests."""

    def __init__(self, stub: Stub) -> None:
        super().__init__()
        self._replies = stub.replies
        self._given: Counter[int] = Counter()

    def reply(self, subject: str) -> Given:
        """The reply to a request. Raises its error, or `Permanent` if no reply fits."""
        for number, each in enumerate(self._replies):
            if each.subject in (None, subject) and (each.times is None or self._given[number] < each.times):
                self._given[number] += 1
                if each.error is not None:
                    raise Transient(f"request to {subject!r}: {each.error}", code=codes.NO_RESPONDERS)
                kind, data = written(each.body)
                return Given(data, kind, dict(each.headers))
        raise Permanent(f"the stub has no reply for the subject {subject[:80]!r}: add it under `replies`")
