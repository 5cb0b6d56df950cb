"""An open broker: two connections, what is published on one and consumed on the other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from aio_pika import DeliveryMode, Message as Wire

from octo.connectors.amqp import codes, topology
from octo.connectors.amqp.consumer import Consumer
from octo.connectors.amqp.link import Link, opened
from octo.connectors.amqp.publisher import Publisher
from octo.connectors.amqp.settings import TIMEOUT, Broker, Consume, Publish
from octo.core import clock, wire
from octo.core.delivery import Delivery, Idle
from octo.core.errors import Transient
from octo.core.lanes import Lanes
from octo.core.message import Message, new_id


class Client:
    """See the module."""

    def __init__(self, incoming: Link, outgoing: Link) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._publisher = Publisher(outgoing)
        self._consumers: list[Consumer] = []

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Broker) -> AsyncIterator[Self]:
        async with opened(settings, "consumes") as incoming, opened(settings, "publishes") as outgoing:
            yield cls(incoming, outgoing)

    async def health(self) -> None:
        """Raise `Transient` with what does not work."""
        for each in (self._incoming, self._outgoing):
            if each.is_gone:
                raise each.gone
        await self._incoming.check()
        if await self._outgoing.is_blocked():
            raise Transient("the broker has an alarm and takes no messages", code=codes.BLOCKED)
        for consumer in self._consumers:
            if consumer.trouble:
                raise Transient(consumer.trouble, code=codes.NO_GRAVE)

    async def deliveries(self, settings: Consume) -> AsyncGenerator[Delivery | Idle]:
        """What comes from the queue, and `Idle` for a sign of life of the broker."""
        await topology.prepare(self._incoming, settings)
        consumer = Consumer(self._incoming, self._publisher, settings)
        self._consumers.append(consumer)
        try:
            async with Lanes(settings.prefetch, key=settings.key, retries=True) as lanes:
                lanes.begin(self._outgoing.watch())
                async with consumer.reading(lanes):
                    while True:
                        yield await lanes.next()
        finally:
            self._consumers.remove(consumer)

    async def publish(self, settings: Publish, message: Message, routing_key: str, message_id: str) -> None:
        """Return once the broker has the message."""
        given = wire.given(settings, message)
        correlation = given.headers.pop(wire.CORRELATION, None)
        expiration = None if settings.expiration is None else settings.expiration.total_seconds()
        sent = Wire(
            given.data,
            headers=dict(given.headers),
            content_type=given.content_type,
            correlation_id=correlation,
            delivery_mode=DeliveryMode.PERSISTENT if settings.persistent else DeliveryMode.NOT_PERSISTENT,
            expiration=expiration,
            message_id=message_id or new_id(),
            timestamp=clock.now(),
        )
        seconds = settings.timeout.total_seconds() or TIMEOUT.total_seconds()
        await self._publisher.send(settings.exchange, routing_key, sent, mandatory=settings.mandatory, seconds=seconds)
