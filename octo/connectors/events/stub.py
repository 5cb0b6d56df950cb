"""The stub of events in a test: what is published is taken and forgotten, and sources get what a test triggers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from pydantic import Field

from octo.connectors.events.settings import Subscribe
from octo.core.delivery import Delivery, Idle, Verdict
from octo.core.message import Message
from octo.core.settings import Settings


class Stub(Settings):
    """No event leaves: each is taken and forgotten. Sources get the events that `trigger` makes, and no others."""


class Trigger(Settings):
    """An event for the source. The trigger ends when its message is finished, and has no result."""

    body: object = None
    """Its body."""
    vars: dict[str, object] = Field(default_factory=dict)
    """Its variables."""
    correlation_id: str = Field(default="", alias="correlationID")
    """Its correlation id."""

    def message(self) -> Message:
        return Message(self.body, self.vars, correlation_id=self.correlation_id)


class Hand:
    """Events by hand, for the sources of one stub. Sources with equal settings stay apart: each belongs to a flow."""

    def __init__(self) -> None:
        self._asked: dict[int, asyncio.Queue[tuple[Message, asyncio.Future[None]]]] = {}

    async def give(self, source: Subscribe, message: Message) -> None:
        """Let the source deliver the message; returns when it is finished."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue(source).put_nowait((message, over))
        await over

    async def deliveries(self, source: Subscribe) -> AsyncGenerator[Delivery | Idle]:
        """What was given to the source."""
        while True:
            message, over = await self._queue(source).get()

            async def settle(_: Verdict, over: asyncio.Future[None] = over) -> None:
                if not over.done():  # else the caller has given up
                    over.set_result(None)

            yield Delivery(message, settle)

    def _queue(self, source: Subscribe) -> asyncio.Queue[tuple[Message, asyncio.Future[None]]]:
        return self._asked.setdefault(id(source), asyncio.Queue())
