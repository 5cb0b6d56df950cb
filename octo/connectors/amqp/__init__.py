"""AMQP 0.9.1, as RabbitMQ speaks it: take messages from queues, and publish to exchanges.

There are two connections: one that consumes, and one that publishes. When the broker has an alarm, it reads nothing
from the second, and acknowledgements must still get through.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from octo.connectors.amqp.settings import Arrived, Broker, Consume, Publish, name
from octo.core.block import block
from octo.core.connector import connector
from octo.core.delivery import Delivery, Idle
from octo.core.errors import Permanent
from octo.core.hand import Hand, Stub, Trigger, outcome
from octo.core.idempotency import idempotency_key
from octo.core.message import Message
from octo.core.powers import Healthy
from octo.core.source import source
from octo.core.trace import effect

if TYPE_CHECKING:
    from octo.connectors.amqp.client import Client


@connector("amqp")
class Amqp:
    def __init__(self, client: Client | Hand) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Broker) -> AsyncIterator[Self]:
        try:  # in a thread, because the client takes a while to import
            module = await asyncio.to_thread(importlib.import_module, "octo.connectors.amqp.client")
        except ImportError:
            raise Permanent("AMQP needs aio-pika: pip install 'octo-flows[amqp]'") from None
        async with module.Client.opened(settings) as client:
            yield cls(client)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Broker, stub: Stub) -> AsyncIterator[Self]:  # noqa: ARG003  nothing is connected
        """Yield a broker of the test alone."""
        yield cls(Hand())

    replies = ("settled", "reason", "body", "vars")

    async def trigger(self, source: Consume, spec: Trigger) -> object:
        """Let the source deliver a message."""
        assert isinstance(self._client, Hand)
        return outcome(await self._client.give(source, spec.message()))

    async def health(self) -> None:
        if not isinstance(self._client, Hand):
            await self._client.health()

    @source(
        "amqp",
        silence=timedelta(minutes=2),
        sets=Arrived,
        guarantee="at least once",
        steps=("flow", "reply", "acknowledge"),
    )
    async def consume(self, settings: Consume) -> AsyncIterator[Delivery | Idle]:
        """Take messages from a queue.

        A message that failed for a while is tried again here, and not acknowledged before that. One that failed for
        good goes to the flow's `deadLetter`, else to the dead-letter exchange or queue of the source; only when it is
        there it is acknowledged.
        """
        async with aclosing(self._client.deliveries(settings)) as deliveries:
            async for each in deliveries:
                yield each

    @block("amqp-publish", guarantee="at least once", steps=("send", "confirm"), idempotent="with a key")
    async def publish(self, settings: Publish, message: Message) -> Message:
        """Publish the body, or `body`, to an exchange. The message passes through once the broker has it.

        It is an error if the exchange takes it to no queue, unless `mandatory` is false.
        """
        routing_key = name(settings.routing_key(message))
        message_id = idempotency_key() if settings.message_id is None else name(settings.message_id(message))
        effect("amqp", exchange=settings.exchange, routing_key=routing_key, message_id=message_id)
        if not isinstance(self._client, Hand):
            await self._client.publish(settings, message, routing_key, message_id)
        return message


_: type[Healthy] = Amqp
