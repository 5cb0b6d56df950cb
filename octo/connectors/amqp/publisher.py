"""Publishing: each message until the broker has confirmed it, or has said why not.

Invariants:
- Each exchange has a channel of its own. The broker answers a mistake by closing the channel, which ends all that is
  under way on it: so a mistake about one exchange does not touch messages for another.
- On one channel no two messages with one id are under way: the client finds by its id what the broker hands back, and
  would blame the wrong one. For the same reason a channel is given up after a message that was not confirmed in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aio_pika import Message
from aio_pika.abc import AbstractChannel

from octo.connectors.amqp import codes
from octo.connectors.amqp.link import Link
from octo.core.errors import OctoError, Timeout

_ANSWERED = (codes.UNROUTABLE, codes.REFUSED)
"""What the broker says of one message; its channel goes on."""


class _Line:
    """The channel for one exchange. under_way: how many messages use it."""

    def __init__(self, channel: AbstractChannel) -> None:
        self.channel = channel
        self.under_way = 0
        self.is_given_up = False
        self.ids: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def turn(self, id_: str) -> AsyncIterator[None]:
        """Wait until no other message with this id is under way."""
        while id_ in self.ids:
            await self.ids[id_].wait()
        self.ids[id_] = asyncio.Event()
        try:
            yield
        finally:
            self.ids.pop(id_).set()


class Publisher:
    """Publishes on one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lines: dict[str, _Line] = {}
        self._opening = asyncio.Lock()

    async def send(self, exchange: str, routing_key: str, message: Message, *, mandatory: bool, seconds: float) -> None:
        """Return once the broker has the message, which has an id.

        Raises `Permanent`, `Transient` or `Disconnected` if it has not, and `Timeout` if nobody knows.
        """
        to = f"exchange {exchange!r}" if exchange else f"queue {routing_key!r}"
        what = f"publish to {to}" + (f" with routing key {routing_key!r}" if exchange else "")
        try:
            async with asyncio.timeout(seconds):
                async with self._line(exchange) as line, line.turn(str(message.message_id)), self._link.errors(what):
                    target = await line.channel.get_exchange(exchange, ensure=False)
                    await target.publish(message, routing_key, mandatory=mandatory)
        except TimeoutError:
            raise await self._late(what, seconds) from None

    async def _late(self, what: str, seconds: float) -> OctoError:
        if await self._link.is_blocked():
            text = f"{what}: not within {seconds:g} seconds: the broker has an alarm and takes no messages"
            return Timeout(text, code=codes.BLOCKED)
        return Timeout(f"{what}: not confirmed within {seconds:g} seconds")

    @asynccontextmanager
    async def _line(self, exchange: str) -> AsyncIterator[_Line]:
        line = await self._opened(exchange)
        line.under_way += 1
        try:
            yield line
        except BaseException as error:
            line.is_given_up |= not (isinstance(error, OctoError) and error.code in _ANSWERED)
            raise
        finally:
            line.under_way -= 1
            if line.is_given_up and not line.under_way:
                await self._link.close(line.channel)

    async def _opened(self, exchange: str) -> _Line:
        async with self._opening:
            line = self._lines.get(exchange)
            if line is None or line.is_given_up or line.channel.is_closed:
                if exchange:
                    await self._look_for(exchange)
                line = self._lines[exchange] = _Line(await self._link.open(confirms=True))
            return line

    async def _look_for(self, exchange: str) -> None:
        """Raise `Transient` if the exchange is not there. Publishing to it would be answered by the end of the channel;
        the client goes on to write on it then, for which the broker ends the connection.
        """
        what = f"publish to exchange {exchange!r}"
        await self._link.ask(lambda channel: channel.get_exchange(exchange, ensure=True), what)
