"""Events: a flow publishes, and every flow that has subscribed gets them, here and in other processes.

`publish-event` returns once the events are with the service, and does not wait for who gets them. What events outlive
depends on where services are (`OCTO_SERVICES`).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from itertools import combinations
from typing import Self

from octo.connectors.events.settings import DURABLE, LISTENING, Nothing, Publish, Subscribe
from octo.connectors.events.stub import Hand, Stub, Trigger
from octo.connectors.events.subscriber import Subscriber
from octo.core.block import block
from octo.core.connector import connector
from octo.core.delivery import Delivery, Idle
from octo.core.errors import Transient
from octo.core.log import fields
from octo.core.message import Message
from octo.core.powers import Conflicting, Healthy
from octo.core.source import source
from octo.core.trace import effect, span_headers, with_tracestate
from octo.services.election import in_turn
from octo.services.ports import Leases, Topics

log = logging.getLogger("octo.events")

TAKEOVER = 5.0
"""Seconds within which another process reads for a durable subscriber whose process is gone. The one that reads says so
after two thirds of it."""


@connector("events")
class Events:
    def __init__(self, topics: Topics | Hand) -> None:
        self._topics = topics
        self._durable: dict[tuple[str, str], Subscriber] = {}
        self._listening: set[Subscriber] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing, topics: Topics) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        yield cls(topics)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Nothing, stub: Stub) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        """Yield events of the test alone."""
        yield cls(Hand())

    async def trigger(self, source: Subscribe, spec: Trigger) -> object:
        """Let the source deliver an event."""
        assert isinstance(self._topics, Hand)
        await self._topics.give(source, spec.message())
        return None

    @classmethod
    def conflicts(cls, sources: Sequence[Subscribe]) -> Iterable[tuple[int, int, str]]:
        """Two sources with one durable name: each event would come to only one of them."""
        for (first, one), (second, two) in combinations(enumerate(sources), 2):
            if one.durable and (one.subject, one.durable) == (two.subject, two.durable):
                yield first, second, f"both are the durable subscriber {one.durable!r} of {one.subject!r}"

    async def health(self) -> None:
        """Raise `Transient` if a subscriber has missed events within the last minute."""
        if missed := [each.lagged for each in (*self._durable.values(), *self._listening) if each.lagged]:
            raise Transient("; ".join(missed))

    # --- the source ----------------------------------------------------------------------------------------------

    @source("events", silence=timedelta(minutes=2), sets=Nothing, steps=LISTENING.steps, instead=(DURABLE,))
    async def subscribe(self, settings: Subscribe, leases: Leases) -> AsyncIterator[Delivery | Idle]:
        """Get every event of a subject.

        Events are missed while the flow does not run, and when it is more than 1,000 events behind; with `durable` only
        when it is more than 10,000 events behind. Missed events are in the log and make health red for a minute.
        """
        async with aclosing(self._deliveries(settings, leases)) as deliveries:
            async for each in deliveries:
                yield each

    def _deliveries(self, settings: Subscribe, leases: Leases) -> AsyncGenerator[Delivery | Idle]:
        if isinstance(self._topics, Hand):
            return self._topics.deliveries(settings)
        if settings.durable:
            return self._remembered(settings, self._topics, leases)
        return self._listen(settings, self._topics)

    async def _listen(self, settings: Subscribe, topics: Topics) -> AsyncGenerator[Delivery | Idle]:
        subscriber = Subscriber(settings)
        self._listening.add(subscriber)
        try:
            async with topics.subscribe(settings.subject) as subscription:
                while True:
                    yield await subscriber.next(subscription)
        finally:
            self._listening.discard(subscriber)

    async def _remembered(self, settings: Subscribe, topics: Topics, leases: Leases) -> AsyncGenerator[Delivery | Idle]:
        """Read for the durable subscriber while no other process does."""
        subscriber = self._durable.setdefault((settings.subject, settings.durable), Subscriber(settings))
        subscriber.settings = settings
        async with topics.subscribe(settings.subject, durable=settings.durable):
            pass  # the name is remembered from here on, whoever may read for it, and however long that takes
        about = f"events {settings.subject} for {settings.durable}"

        async def read(leads: Callable[[], bool]) -> AsyncGenerator[Delivery | Idle]:
            await subscriber.begin()
            async with topics.subscribe(settings.subject, durable=settings.durable) as subscription:
                log.info("reading events", extra=fields(subject=settings.subject, durable=settings.durable))
                while leads():
                    yield await subscriber.next(subscription)

        async with aclosing(in_turn(leases, _lease(settings), read, ttl=TAKEOVER, about=about)) as deliveries:
            async for each in deliveries:
                yield each

    # --- the block -----------------------------------------------------------------------------------------------

    @block("publish-event", default=True, guarantee="at least once", steps=("send", "confirm"))
    async def publish(self, settings: Publish, message: Message) -> Message:
        """Publish a copy of the message, or of `value`, to every subscriber. The message passes through.

        The copy has the variables and the correlation id, and an event id of its own. That nobody has subscribed is no
        error.
        """
        subject = settings.subject(message)
        sent = _sent(message if settings.value is None else message.with_body(settings.value(message)))
        effect("event", subject=subject, event_id=sent.event_id)
        if not isinstance(self._topics, Hand):
            await self._topics.publish(subject, sent.to_record())
        return message


def _sent(message: Message) -> Message:
    """The message as it is published: the traces of those who get it belong to that of this message."""
    sent, headers = message.rekeyed(), span_headers(message)
    parent = with_tracestate(headers.get("traceparent", ""), headers.get("tracestate", ""))
    return Message(sent.body, sent.vars, sent.event_id, sent.correlation_id, sent.raw, parent)


def _lease(settings: Subscribe) -> str:
    name = hashlib.sha256(f"{settings.subject}\0{settings.durable}".encode()).hexdigest()
    return f"octo/events/{name}"


_: type[Healthy] = Events
__: Conflicting = Events
