"""MQTT: hear what devices publish, and publish to them.

The broker keeps what comes while no process reads, for `sessionExpiry`. A message is acknowledged once its flow has
finished, and not when it arrives, also with QoS 2.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from itertools import combinations
from typing import Any, Self

from octo.connectors.mqtt import codes
from octo.connectors.mqtt.link import ANSWER, Link, opened
from octo.connectors.mqtt.session import Session
from octo.connectors.mqtt.settings import HEARD, HEARD_ONCE, SENT, SENT_ONCE, Broker, Heard, Publish, Subscribe
from octo.core import wire
from octo.core.beside import beside
from octo.core.block import block
from octo.core.connector import connector
from octo.core.delivery import Delivery, Idle
from octo.core.errors import Permanent, Transient
from octo.core.hand import Hand, Stub, Trigger, outcome
from octo.core.idempotency import idempotency_key
from octo.core.lanes import Lanes
from octo.core.message import Message, new_id
from octo.core.powers import Conflicting, Healthy
from octo.core.source import source
from octo.core.trace import effect
from octo.services.election import LOOK, campaign, leads_soon
from octo.services.ports import Leases

TURN = 2.0
"""Seconds to wait for a name that another process may have, before the next one is tried."""
SESSIONS = 256
"""Names that processes which share a subscription try."""


@connector("mqtt")
class Mqtt:
    def __init__(self, link: Link | Hand, broker: Broker) -> None:
        self._link = link
        self._broker = broker
        self._sessions: dict[str, Session] = {}
        self._opening: asyncio.Queue[Session] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Broker) -> AsyncIterator[Self]:
        # For what is published. Nobody else has its name, so several processes may publish.
        async with opened(settings, f"{settings.client_id}-{new_id()[:12]}", lambda _: None) as link:
            made = cls(link, settings)
            async with beside(made._live()):
                yield made

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Broker, stub: Stub) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to say
        """Yield a broker of the test alone."""
        yield cls(Hand(), settings)

    replies = ("settled", "reason", "body", "vars")

    async def trigger(self, source: Subscribe, spec: Trigger) -> object:
        """Let the source deliver the message, and return how it was settled."""
        assert isinstance(self._link, Hand)
        return outcome(await self._link.give(source, spec.message()))

    @classmethod
    def conflicts(cls, sources: Sequence[Subscribe]) -> Iterable[tuple[int, int, str]]:
        """Two sources with the same topics: each message would come to only one of them."""
        for (first, one), (second, two) in combinations(enumerate(sources), 2):
            if _word(one) == _word(two):
                yield first, second, f"both have the topics {', '.join(one.topics)}: use a connector for each"

    async def health(self) -> None:
        """Raise `Disconnected` if the connection is gone, `Transient` if messages were lost in the last minute."""
        if isinstance(self._link, Link) and self._link.is_lost:
            raise self._link.gone
        if lost := [each.lost for each in self._sessions.values() if each.lost]:
            raise Transient("; ".join(lost))

    # --- the source ----------------------------------------------------------------------------------------------

    @source(
        "mqtt",
        silence=timedelta(minutes=1),
        sets=Heard,
        guarantee=HEARD.guarantee,
        steps=HEARD.steps,
        instead=(HEARD_ONCE,),
    )
    async def subscribe(self, settings: Subscribe, leases: Leases) -> AsyncIterator[Delivery | Idle]:
        """Get what is published on topics.

        A message that fails for a while is tried again here, since MQTT cannot give it back; one that failed for good
        is acknowledged, and the log has the reason.
        """
        async with aclosing(self._deliveries(settings, leases)) as deliveries:
            async for each in deliveries:
                yield each

    def _deliveries(self, settings: Subscribe, leases: Leases) -> AsyncGenerator[Delivery | Idle]:
        if isinstance(self._link, Hand):
            return self._link.deliveries(settings)
        return self._in_turn(settings, leases)

    async def _in_turn(self, settings: Subscribe, leases: Leases) -> AsyncGenerator[Delivery | Idle]:
        """Read under a name that no other process has: the broker would send away the one that had it.

        Processes that share a subscription take the first name that is free, so that the messages which the broker
        keeps for a process that is gone come to the next.
        """
        name, number = f"{self._broker.client_id}-{_word(settings)}", 0
        patience = TURN if settings.is_shared else LOOK
        while True:
            client_id = f"{name}-{number}" if settings.is_shared else name
            digest = hashlib.sha256(f"{self._broker.place}\0{client_id}".encode()).hexdigest()
            async with campaign(leases, f"octo/mqtt/{digest}") as candidate:
                if await leads_soon(candidate, patience):
                    deliveries = self._read(client_id, settings, lambda leader=candidate: leader.leads)  # type: ignore[misc]
                    async with aclosing(deliveries):
                        async for each in deliveries:
                            yield each
            yield Idle()
            if settings.is_shared:
                number = (number + 1) % SESSIONS

    async def _read(
        self, client_id: str, settings: Subscribe, leads: Callable[[], bool]
    ) -> AsyncGenerator[Delivery | Idle]:
        session = self._session(client_id, settings)
        async with session.reading():
            await session.adopt(settings)
            async with Lanes(settings.listeners, key=settings.key, retries=True) as lanes:
                lanes.begin(session.read(lanes))
                while leads():
                    yield await lanes.next()

    def _session(self, client_id: str, settings: Subscribe) -> Session:
        session = self._sessions.get(client_id)
        if session is None or session.is_over:
            session = self._sessions[client_id] = Session(self._broker, client_id, settings)
            self._opening.put_nowait(session)
        return session

    async def _live(self) -> None:
        """Own the sessions of the sources."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task((await self._opening.get()).live())

    # --- the block -----------------------------------------------------------------------------------------------

    @block("mqtt-publish", guarantee=SENT.guarantee, steps=SENT.steps, instead=(SENT_ONCE,))
    async def publish(self, settings: Publish, message: Message) -> Message:
        """Publish the body, or `body`, on a topic. The message passes through.

        In a flow with a journal, the user property `Idempotency-Key` is the same each time this step runs again.
        """
        topic, sent = _topic(settings.topic(message)), wire.given(settings, message)
        effect("mqtt", topic=topic, bytes=len(sent.data), qos=settings.qos, retain=settings.retain)
        if isinstance(self._link, Hand):
            return message
        properties = self._properties(settings, sent)
        seconds = settings.timeout.total_seconds() or ANSWER
        await self._link.publish(topic, sent.data, settings.qos, settings.retain, properties, seconds)
        return message

    def _properties(self, settings: Publish, sent: wire.Given) -> Any:
        if self._broker.version != "5":
            if settings.headers or settings.content_type or settings.expiry:
                raise Permanent("MQTT 3.1.1 has no headers, content type and expiry", code=codes.NO_HEADERS)
            return None
        from octo.connectors.mqtt.client import PacketTypes, Properties

        made: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        made.ContentType = sent.content_type
        key = {"Idempotency-Key": idempotency_key()} if idempotency_key() else {}
        made.UserProperty = list({**key, **sent.headers}.items())
        if settings.expiry is not None:
            made.MessageExpiryInterval = max(1, int(settings.expiry.total_seconds()))
        return made


def _word(settings: Subscribe) -> str:
    """What tells the sources of one connector apart: the same after a restart."""
    return hashlib.sha256("\0".join(sorted(settings.topics)).encode()).hexdigest()[:8]


def _topic(text: str) -> str:
    if not text or any(each in text for each in "+#\0") or len(text.encode(errors="replace")) > 65535:
        raise Permanent(f"{text[:80]!r} is no topic to publish on: it is empty, too long, or has `+` or `#`")
    return text


_: type[Healthy] = Mqtt
__: Conflicting = Mqtt
