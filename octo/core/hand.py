"""Messages by hand: what the sources of a broker's stub deliver, one for each `trigger` of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from pydantic import Field

from octo.core.delivery import Delivery, Done, Idle, Verdict
from octo.core.flow import Drop
from octo.core.message import Message
from octo.core.settings import Settings


class Stub(Settings):
    """No message leaves: each is taken and forgotten. Sources get the messages that `trigger` makes, and no others."""


class Trigger(Settings):
    """A message for the source. The trigger ends when the message is settled."""

    body: object = None
    """Its body."""
    headers: dict[str, object] = Field(default_factory=dict)
    """Its headers, which become the variable `headers`."""
    vars: dict[str, object] = Field(default_factory=dict)
    """Its other variables, such as `subject` or `topic`."""
    correlation_id: str = Field(default="", alias="correlationID")
    """Its correlation id."""

    def message(self) -> Message:
        return Message(self.body, {"headers": self.headers, **self.vars}, correlation_id=self.correlation_id)


class Hand:
    """Messages by hand, for the sources of one stub. Sources with equal settings stay apart: each belongs to a flow."""

    def __init__(self) -> None:
        self._asked: dict[int, asyncio.Queue[tuple[Message, asyncio.Future[Verdict]]]] = {}

    async def give(self, source: object, message: Message) -> Verdict:
        """Let the source with these settings deliver the message; return how it was settled."""
        over: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._queue(source).put_nowait((message, over))
        return await over

    async def deliveries(self, source: object) -> AsyncGenerator[Delivery | Idle]:
        """What was given to the source with these settings."""
        while True:
            message, over = await self._queue(source).get()

            async def settle(verdict: Verdict, over: asyncio.Future[Verdict] = over) -> None:
                if not over.done():  # else the caller has given up
                    over.set_result(verdict)

            yield Delivery(message, settle)

    def _queue(self, source: object) -> asyncio.Queue[tuple[Message, asyncio.Future[Verdict]]]:
        return self._asked.setdefault(id(source), asyncio.Queue())


def outcome(verdict: Verdict) -> dict[str, object]:
    """How a message was settled, as a test reads it: `settled` is done, drop, retry or reject."""
    told: dict[str, object] = {"settled": type(verdict).__name__.lower()}
    match verdict:
        case Done(message):
            told |= {"body": message.body, "vars": dict(message.vars)}
        case Drop(reason) if reason:
            told["reason"] = reason
        case _ if not isinstance(verdict, Drop):
            told["reason"] = str(verdict.error)
    return told
