"""One consumer of a queue: a channel of its own, what was delivered on it, and what becomes of each message.

The broker does not confirm that it has heard an acknowledgement: if the connection ends before, the message comes
again. A message that is to be tried later rests here without being acknowledged (`octo.core.lanes`): nothing is
written, so nothing can be lost or doubled, and when this process ends the broker delivers it to another at once.

Invariant: the channel stays open until all that was delivered on it is settled, also after the source was left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from aio_pika.abc import AbstractIncomingMessage

from octo.connectors.amqp import codes, replies, topology
from octo.connectors.amqp.link import ANSWER, Link
from octo.connectors.amqp.publisher import Publisher
from octo.connectors.amqp.settings import TIMEOUT, Consume
from octo.core import letter as letters, wire
from octo.core.delivery import Delivery, Done, Reject, Retry, Verdict
from octo.core.errors import Disconnected, OctoError, Permanent, Timeout, Transient
from octo.core.flow import Drop
from octo.core.log import fields

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel

    from octo.core.lanes import Lanes

log = logging.getLogger("octo.amqp")

LOOK = 20.0
"""Seconds between two questions to the broker whether it still knows the consumer."""
PAUSE = 5.0
"""Seconds until a message comes again whose reply or dead letter was not taken."""
COUNT = "x-delivery-count"
"""The header in which a quorum queue counts the deliveries before this one."""


class Consumer:
    """See the module. trouble: why dead letters are not kept at the moment, "" if they are."""

    def __init__(self, link: Link, publisher: Publisher, settings: Consume) -> None:
        self.trouble = ""
        self._link = link
        self._publisher = publisher
        self._settings = settings
        self._what = f"queue {settings.queue!r}"
        self._channel: AbstractChannel
        self._unsettled = 0
        self._is_left = False
        self._tag = ""

    # --- reading -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def reading(self, lanes: Lanes) -> AsyncIterator[None]:
        """Let the lanes have what the queue has."""
        self._channel = channel = await self._link.open()
        channel.close_callbacks.add(lambda _, error: lanes.fail(self._ended(error)))
        try:
            await self._link.calmly(self._begin(lanes), self._what)
            lanes.begin(self._watch(lanes))
            yield
        finally:
            await self._leave()

    async def _begin(self, lanes: Lanes) -> None:
        async def take(message: AbstractIncomingMessage) -> None:
            if not self._is_left:  # else it comes again when the channel ends
                self._unsettled += 1
                lanes.put(self._delivery(message))

        await self._channel.set_qos(prefetch_count=self._settings.prefetch)
        inner = await self._channel.get_underlay_channel()
        inner.on_consumer_cancel_callbacks.add(lambda _: lanes.fail(self._cancelled()))
        queue = await self._channel.get_queue(self._settings.queue, ensure=False)
        self._tag = await queue.consume(take)

    async def _watch(self, lanes: Lanes) -> None:
        """Ask the broker again and again whether the queue is there and this consumer known."""
        name = self._settings.queue
        while True:
            await asyncio.sleep(LOOK)
            try:
                found = await self._link.ask(lambda channel: channel.declare_queue(name, passive=True), self._what)
            except Timeout as error:
                raise Disconnected(f"{self._link.place}: {error}", code=codes.UNREACHABLE) from error
            if not found.declaration_result.consumer_count:
                raise self._cancelled()
            lanes.alive()

    def _ended(self, error: BaseException | None) -> OctoError:
        return self._link.error(error or asyncio.CancelledError(), self._what)

    def _cancelled(self) -> Transient:
        return Transient(f"{self._what}: the broker has ended its consumer: was it deleted?", code=codes.NOT_THERE)

    async def _leave(self) -> None:
        """Take no more. With a key the consumer stays until all is settled: the next one must not overtake it."""
        self._is_left = True
        if self._tag and self._settings.key is None:
            with suppress(OctoError):
                await self._link.calmly(self._cancel(), self._what)
        if not self._unsettled:
            await self._link.close(self._channel)

    async def _cancel(self) -> None:
        await (await self._channel.get_underlay_channel()).basic_cancel(self._tag)

    # --- messages ------------------------------------------------------------------------------------------------

    def _delivery(self, message: AbstractIncomingMessage) -> Delivery:
        settings = self._settings
        found = wire.taken(
            message.body,
            (message.headers or {}).items(),
            settings,
            self._variables(message),
            content_type=message.content_type or "",
            correlation_id=message.correlation_id or "",
            event_id=self._event_id(message),
        )

        async def settle(verdict: Verdict) -> None:
            await self._settle(message, verdict)

        return Delivery(
            found.message,
            settle,
            attempt=_attempt(message),
            most_attempts=settings.max_attempts,
            timeout=settings.timeout.total_seconds() or TIMEOUT.total_seconds(),
            before=letters.read((message.headers or {}).get(replies.LETTER)),
            unfit=found.unfit,
        )

    def _variables(self, message: AbstractIncomingMessage) -> dict[str, object]:
        return {
            "queue": self._settings.queue,
            "exchange": message.exchange or "",
            "routingKey": message.routing_key or "",
            "messageID": message.message_id or "",
            "replyTo": message.reply_to or "",
            "redelivered": bool(message.redelivered),
        }

    def _event_id(self, message: AbstractIncomingMessage) -> str:
        """The same each time this message comes. Senders that give the same id twice may mean two messages."""
        if not message.message_id:
            return ""
        return wire.identity("amqp", self._settings.queue, message.message_id, message.timestamp, message.body)

    # --- settling ------------------------------------------------------------------------------------------------

    async def _settle(self, message: AbstractIncomingMessage, verdict: Verdict) -> None:
        try:
            if isinstance(verdict, Retry):
                await self._give_back(message)
            elif await self._insist(message, verdict):
                async with self._link.errors(self._what):
                    await message.ack()
        finally:
            self._unsettled -= 1
            if self._is_left and not self._unsettled:
                await self._link.close(self._channel)

    async def _give_back(self, message: AbstractIncomingMessage) -> None:
        """Let the broker deliver the message again. With a key the end of the channel does it, for all in their order:
        what is given back alone comes at once, to this consumer.
        """
        if not (self._is_left and self._settings.key is not None):
            async with self._link.errors(self._what):
                await message.nack(requeue=True)

    async def _insist(self, message: AbstractIncomingMessage, verdict: Done | Drop | Reject) -> bool:
        """Have the outcome where it belongs, before the message is acknowledged. Returns whether it is there.

        The flow is not run again for it; if this process ends meanwhile, or the source, the message comes again.
        """
        while True:
            try:
                await self._deliver(message, verdict)
            except Disconnected:
                raise
            except OctoError as error:
                self.trouble = f"{self._what}: a message that is finished cannot be settled: {error}"
                log.error("a message cannot be settled yet", extra=self._about(message, error))  # noqa: TRY400
                if self._is_left:
                    await self._give_back(message)
                    return False
                await asyncio.sleep(PAUSE)
            else:
                self.trouble = ""
                return True

    async def _deliver(self, message: AbstractIncomingMessage, verdict: Done | Drop | Reject) -> None:
        """Answer who waits; keep what failed where nobody else does. Raises what prevents that."""
        if self._settings.reply and message.reply_to:
            try:
                reply = replies.reply(message, verdict)
                await self._publisher.send("", message.reply_to, reply, mandatory=True, seconds=ANSWER)
            except Permanent as error:  # who waited has gone
                log.info("nobody waits for the reply", extra=self._about(message, error))
            else:
                return
        if isinstance(verdict, Reject) and not verdict.is_kept:
            await self._bury(message, verdict)

    async def _bury(self, message: AbstractIncomingMessage, verdict: Reject) -> None:
        settings = self._settings
        exchange, queue = settings.dead_letter_exchange, settings.dead_queue
        key = queue or settings.dead_letter_routing_key or message.routing_key or ""
        letter = replies.letter(message, verdict, settings.queue)
        try:
            if queue:
                await topology.dead_letters(self._link, settings)
            await self._publisher.send(exchange, key, letter, mandatory=True, seconds=ANSWER)
        except OctoError as error:
            if isinstance(error, Disconnected):
                raise
            raise Transient(f"its dead letter: {error}", code=codes.NO_GRAVE) from error
        group = "" if verdict.letter is None else verdict.letter.fingerprint
        about = fields(queue=settings.queue, id=message.message_id, exchange=exchange, routingKey=key, group=group)
        log.warning("dead letter kept", extra=about)

    def _about(self, message: AbstractIncomingMessage, error: Exception) -> dict[str, object]:
        return fields(queue=self._settings.queue, id=message.message_id, error=str(error))


def _attempt(message: AbstractIncomingMessage) -> int:
    """How often the message has been delivered. Only quorum queues count; of others this is 2 for any later one."""
    count = (message.headers or {}).get(COUNT)
    # A sender may have written the header, or whoever moved the message: the broker's own flag decides.
    return 1 + (count if isinstance(count, int) and count > 0 else 1) if message.redelivered else 1
