"""NATS: publish, ask and answer on subjects, and read streams of JetStream.

Core NATS keeps no messages for who is away or slow; who asks gets the outcome of the flow. A stream of JetStream keeps
them: the server confirms that it has noted an acknowledgement before the message counts as finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Self

from octo.connectors.nats import codes
from octo.connectors.nats.jetstream import HEARTBEAT, Consumer
from octo.connectors.nats.link import Link, opened
from octo.connectors.nats.listening import CODE, ERROR, Listening
from octo.connectors.nats.settings import (
    KEPT,
    TIMEOUT,
    TOLD,
    Consume,
    Heard,
    Publish,
    Request,
    Server,
    Streamed,
    Subscribe,
)
from octo.connectors.nats.stub import Desk, Stub
from octo.core import wire
from octo.core.block import block
from octo.core.connector import connector
from octo.core.delivery import Delivery, Idle
from octo.core.errors import Permanent, Transient
from octo.core.hand import Trigger, outcome
from octo.core.idempotency import idempotency_key
from octo.core.lanes import Lanes
from octo.core.message import Message
from octo.core.powers import Healthy
from octo.core.secrets import masked
from octo.core.source import source
from octo.core.trace import effect
from octo.services.election import in_turn
from octo.services.ports import Leases

_PASSING = (408, 425, 429)


@connector("nats")
class Nats:
    def __init__(self, link: Link | Desk) -> None:
        self._link = link
        self._listening: set[Listening] = set()
        self._left: set[tuple[str, str]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Server) -> AsyncIterator[Self]:
        async with opened(settings) as link:
            yield cls(link)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Server, stub: Stub) -> AsyncIterator[Self]:  # noqa: ARG003  nothing is connected
        """Yield a server of the test alone."""
        yield cls(Desk(stub))

    replies = ("settled", "reason", "body", "vars")

    async def trigger(self, source: Subscribe | Consume, spec: Trigger) -> object:
        """Let the source deliver the message, and return how it was settled."""
        assert isinstance(self._link, Desk)
        return outcome(await self._link.give(source, spec.message()))

    async def health(self) -> None:
        """Raise `Disconnected` if the server does not answer, `Transient` if messages were lost in the last minute."""
        if isinstance(self._link, Link):
            await self._link.check()
        if lost := [each.lost for each in self._listening if each.lost]:
            raise Transient("; ".join(lost))

    # --- sources -------------------------------------------------------------------------------------------------

    @source("nats", silence=timedelta(minutes=1), sets=Heard, steps=("flow", "reply"))
    async def subscribe(self, settings: Subscribe) -> AsyncIterator[Delivery | Idle]:
        """Get messages on a subject, and answer who asks.

        The body and headers of the outcome are the reply. An error is answered with `Nats-Service-Error` and a code
        like one of HTTP, without details. NATS keeps no messages for who is away or slow.
        """
        if isinstance(self._link, Desk):
            async for each in self._link.deliveries(settings):
                yield each
            return
        listening = Listening(self._link, settings)
        self._listening.add(listening)
        try:
            async with Lanes(settings.listeners) as lanes:
                lanes.begin(self._link.watch())
                lanes.begin(listening.read(lanes))
                while True:
                    yield await lanes.next()
        finally:
            self._listening.discard(listening)

    @source(
        "nats-jetstream",
        silence=timedelta(minutes=1),
        sets=Streamed,
        guarantee="at least once",
        steps=("flow", "acknowledge"),
    )
    async def consume(self, settings: Consume, leases: Leases) -> AsyncIterator[Delivery | Idle]:
        """Take messages of a stream through a durable consumer.

        A message that failed for good is terminated: the stream keeps it as its limits say, and delivers it to this
        consumer no more.
        """
        async with aclosing(self._deliveries(settings, leases)) as deliveries:
            async for each in deliveries:
                yield each

    def _deliveries(self, settings: Consume, leases: Leases) -> AsyncGenerator[Delivery | Idle]:
        if isinstance(self._link, Desk):
            return self._link.deliveries(settings)
        if settings.key is None:
            return self._pulled(self._link, settings)
        # The server would give the messages of one key to two processes.
        consumer = sha256(f"{self._link.place}\0{settings.stream}\0{settings.durable}".encode()).hexdigest()
        return in_turn(leases, f"octo/nats/{consumer}", partial(self._pulled, self._link, settings))

    async def _pulled(
        self, link: Link, settings: Consume, leads: Callable[[], bool] = lambda: True
    ) -> AsyncGenerator[Delivery | Idle]:
        consumer, name = Consumer(link, settings), (settings.stream, settings.durable)
        await consumer.prepare()
        lanes = Lanes(settings.listeners, key=settings.key, retries=settings.key is not None)
        try:
            async with lanes:
                lanes.begin(link.watch())
                lanes.begin(lanes.extend(consumer.lease / 3))
                wait = settings.key is not None and consumer.unsettled and name not in self._left
                self._left.discard(name)
                lanes.begin(_read(consumer, lanes, consumer.lease if wait else 0.0))
                while leads():
                    yield await lanes.next()
        finally:
            if lanes.is_empty:
                self._left.add(name)

    # --- blocks --------------------------------------------------------------------------------------------------

    @block("nats-publish", guarantee=TOLD.guarantee, steps=TOLD.steps, instead=(KEPT,))
    async def publish(self, settings: Publish, message: Message) -> Message:
        """Publish the body, or `body`, on a subject. The message passes through.

        With `jetstream` it returns once a stream has the message. A flow with a journal gives each one an id, so that
        the stream takes it once.
        """
        subject, sent = _subject(settings.subject(message)), wire.given(settings, message)
        headers = {**sent.headers, "Content-Type": sent.content_type}
        if settings.message_id is not None:
            headers["Nats-Msg-Id"] = wire.line("Nats-Msg-Id", settings.message_id(message))
        elif settings.jetstream and (key := idempotency_key()):
            headers["Nats-Msg-Id"] = key
        effect("nats", subject=subject, bytes=len(sent.data), jetstream=settings.jetstream)
        if isinstance(self._link, Desk):
            return message
        client, timeout = self._link.client, settings.timeout.total_seconds() or 5.0
        try:
            if settings.jetstream:
                await client.jetstream().publish(subject, sent.data, timeout=timeout, headers=headers)
            else:
                await client.publish(subject, sent.data, headers=headers)
        except Exception as error:
            raise self._link.error(error, f"publish on {subject!r}") from error
        return message

    @block("nats-request", guarantee="answered", steps=("send", "confirm"))
    async def request(self, settings: Request, message: Message) -> Message:
        """Ask on a subject, and make the reply the body.

        When no reply comes in time, nobody knows whether the request was worked on.
        """
        subject, sent = _subject(settings.subject(message)), wire.given(settings, message)
        headers = {**sent.headers, "Content-Type": sent.content_type}
        effect("nats", subject=subject, bytes=len(sent.data), request=True)
        data, told = await self._answer(subject, sent.data, headers, settings)
        if ERROR in told or CODE in told:
            raise _failed(subject, told)
        reading = wire.Taking(bodyType=settings.body_type, maxBodyBytes=len(data) + 1)
        reply, unfit = wire.taken(data, told.items(), reading, {})
        if unfit is not None:
            raise unfit.within(f"the reply of {subject!r}")
        made = message.with_body(reply.body, raw=reply.raw)
        return made if settings.headers_var is None else made.with_var(settings.headers_var, reply.vars["headers"])

    async def _answer(
        self, subject: str, data: bytes, headers: dict[str, str], settings: Request
    ) -> tuple[bytes, dict[str, str]]:
        if isinstance(self._link, Desk):
            reply = self._link.reply(subject)
            return reply.data, {**reply.headers, "Content-Type": reply.content_type}
        timeout = settings.timeout.total_seconds() or TIMEOUT.total_seconds()
        try:
            answer = await self._link.request(subject, data, timeout=timeout, headers=headers)
        except Exception as error:
            raise self._link.error(error, f"request to {subject!r}") from error
        return answer.data, answer.headers or {}


async def _read(consumer: Consumer, lanes: Lanes, wait: float) -> None:
    """Read; first wait until the stream delivers again what a reader that is gone has not settled."""
    while wait > 0:
        await asyncio.sleep(min(wait, HEARTBEAT))
        wait -= HEARTBEAT
        lanes.alive()
    await consumer.read(lanes)


def _subject(text: str) -> str:
    if not text or any(each in text for each in "*> \t\r\n"):
        raise Permanent(f"{text[:80]!r} is no subject to send to: it is empty, or has a blank, `*` or `>`")
    return text


def _failed(subject: str, headers: dict[str, Any]) -> Permanent | Transient:
    text, code = str(headers.get(ERROR, "")), str(headers.get(CODE, ""))
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 6 else 500
    kind = Transient if number >= 500 or number in _PASSING else Permanent
    return kind(f"who answers {subject!r} failed: {code} {masked(text)}".rstrip(), code=codes.FAILED, status=number)


_: type[Healthy] = Nats
