"""Queues of the runtime: a flow sends messages, other flows take them, here or in another process.

What a queue outlives depends on where services are (`OCTO_SERVICES`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Self

from octo.connectors.queue import wire
from octo.connectors.queue.settings import ASKED, SENT, TIMEOUT, Consume, Dispatch, Nothing
from octo.connectors.queue.stub import Replies, Stub, Trigger
from octo.core.block import block
from octo.core.connector import connector
from octo.core.delivery import Delivery, Done, Idle, Reject, Retry, Verdict
from octo.core.errors import Permanent
from octo.core.flow import Drop, Outcome
from octo.core.idempotency import idempotency_key
from octo.core.log import fields
from octo.core.message import Message
from octo.core.source import source
from octo.core.trace import effect
from octo.services.ports import Queues, Received

log = logging.getLogger("octo.queue")

LOOK = 20.0
"""Seconds that one look into an empty queue waits."""


@connector("queue")
class Queue:
    def __init__(self, queues: Queues, stub: Replies | None = None) -> None:
        self._queues = queues
        self._stub = stub

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing, queues: Queues) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        yield cls(queues)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Nothing, stub: Stub, queues: Queues) -> AsyncIterator[Self]:  # noqa: ARG003
        """Yield queues of the test alone."""
        yield cls(queues, Replies(stub))

    replies = ("body", "vars")

    async def trigger(self, source: Consume, spec: Trigger) -> object:
        """Send the message to the source, and return the reply."""
        sent = Message(spec.body, spec.vars, correlation_id=spec.correlation_id)
        seconds = source.timeout.total_seconds() or TIMEOUT.total_seconds()
        answer = await self._queues.request(source.subject, wire.sealed(sent), timeout=seconds + 1)
        made = wire.merged(sent, answer)
        return None if made is sent else {"body": made.body, "vars": dict(made.vars)}

    @source(
        "queue",
        silence=timedelta(minutes=2),
        sets=Nothing,
        guarantee="at least once",
        steps=("flow", "reply", "acknowledge"),
    )
    async def consume(self, settings: Consume) -> AsyncIterator[Delivery | Idle]:
        """Take messages from a queue. Each is acknowledged once its flow has finished.

        Messages with the same `orderingKey` come one after the other, as they were sent.
        """
        free = asyncio.Semaphore(settings.listeners)
        lease = settings.lease.total_seconds()
        while True:
            await free.acquire()
            taken = False
            try:
                found = await self._queues.receive(settings.subject, lease=lease, wait=LOOK)
                for received in found:
                    delivery = await self._delivery(received, settings, free)
                    if delivery is not None:
                        taken = True
                        yield delivery
            finally:
                if not taken:
                    free.release()
            if not found:
                yield Idle()

    async def _delivery(self, received: Received, settings: Consume, free: asyncio.Semaphore) -> Delivery | None:
        """The delivery; None for what is no message of Octo, which goes among the dead letters."""
        try:
            message = wire.opened(received.value)
        except Permanent as error:
            await self._queues.reject(received, str(error))
            return None

        async def settle(verdict: Verdict) -> None:
            try:
                await self._settle(received, verdict)
            finally:
                free.release()

        return Delivery(
            message,
            settle,
            attempt=received.attempt,
            most_attempts=settings.max_attempts,
            extend=partial(self._queues.extend, received, settings.lease.total_seconds()),
            lease=settings.lease.total_seconds(),
            timeout=settings.timeout.total_seconds() or TIMEOUT.total_seconds(),
            before=wire.before(received.value),
            is_awaited=received.wants_reply,
        )

    async def _settle(self, received: Received, verdict: Verdict) -> None:
        match verdict:
            case Done() | Drop():
                await self._queues.ack(received, wire.reply(verdict) if received.wants_reply else None)
            case Retry(after=0.0):
                await self._queues.nack(received)
            case Retry(error=error) | Reject(error=error) if received.wants_reply:
                # Who waits decides whether to try again; a second try here would come after that.
                await self._queues.ack(received, wire.failure(error))
            case Retry(after=after):
                await self._queues.nack(received, delay=after)
            case Reject(is_kept=True):
                await self._queues.ack(received)
            case Reject(letter=letter):
                await self._queues.reject(received, verdict.note)
                group = "" if letter is None else letter.fingerprint
                log.warning("dead letter kept", extra=fields(queue=received.queue, id=received.id, group=group))

    @block(
        "queue-dispatch",
        default=True,
        guarantee=SENT.guarantee,
        steps=SENT.steps,
        idempotent="with a key",
        instead=(ASKED,),
    )
    async def dispatch(self, settings: Dispatch, message: Message) -> Outcome:
        """Put the message into a queue, and wait for the reply if `awaitReply` is set."""
        subject = settings.subject(message)
        sent = message.rekeyed()
        effect("queue", subject=subject, event_id=sent.event_id)
        if self._stub is not None:
            return self._stub.reply(subject, message) if settings.await_reply else message
        if not settings.await_reply:
            key = idempotency_key() if settings.key is None else settings.key(message)
            order = "" if settings.ordering_key is None else settings.ordering_key(message)
            delay = settings.delay.total_seconds()
            await self._queues.send(subject, wire.sealed(sent), delay=delay, key=key, order=order)
            return message
        timeout = settings.timeout.total_seconds() or TIMEOUT.total_seconds()
        return wire.merged(message, await self._queues.request(subject, wire.sealed(sent), timeout=timeout))
