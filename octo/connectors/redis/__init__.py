"""Redis and Valkey: read and write streams, publish and subscribe, and run commands.

Streams are read through consumer groups: an entry is acknowledged once its flow has finished. Messages of channels go
to who listens right now. What a server keeps over a crash is its own matter: `appendonly`, `appendfsync`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Self

from octo.connectors.redis import channels, codes
from octo.connectors.redis.codes import EXPLANATIONS
from octo.connectors.redis.commands import argument, reply
from octo.connectors.redis.link import Link, opened
from octo.connectors.redis.settings import (
    CHANGED,
    READ,
    Add,
    Consume,
    Heard,
    Publish,
    Run,
    Server,
    Streamed,
    Subscribe,
)
from octo.connectors.redis.stream import Group
from octo.connectors.redis.stub import Desk, Stub
from octo.core import wire
from octo.core.block import block
from octo.core.connector import connector
from octo.core.delivery import Delivery, Idle
from octo.core.errors import Permanent
from octo.core.hand import Trigger, outcome
from octo.core.lanes import Lanes
from octo.core.message import Message
from octo.core.powers import Healthy
from octo.core.source import source
from octo.core.trace import effect
from octo.services.election import in_turn
from octo.services.ports import Leases

__all__ = ["EXPLANATIONS", "Redis"]


@connector("redis")
class Redis:
    def __init__(self, link: Link | Desk) -> None:
        self._link = link

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

    async def trigger(self, source: Consume | Subscribe, spec: Trigger) -> object:
        """Let the source deliver the message, and return how it was settled."""
        assert isinstance(self._link, Desk)
        return outcome(await self._link.give(source, spec.message()))

    async def health(self) -> None:
        """Raise `Transient` if the server does not answer."""
        if isinstance(self._link, Link):
            await self._link.run("PING")

    # --- sources ---------------------------------------------------------------------------------------------------

    @source(
        "redis-stream",
        silence=timedelta(minutes=1),
        sets=Streamed,
        guarantee="at least once",
        steps=("flow", "acknowledge"),
    )
    async def consume(self, settings: Consume, leases: Leases) -> AsyncIterator[Delivery | Idle]:
        """Take entries of a stream through a consumer group.

        An entry is acknowledged once its flow has finished. One that failed for good stands in the stream for dead
        letters before it is acknowledged. Entries of a consumer that is gone are taken over.
        """
        async with aclosing(self._deliveries(settings, leases)) as deliveries:
            async for each in deliveries:
                yield each

    def _deliveries(self, settings: Consume, leases: Leases) -> AsyncGenerator[Delivery | Idle]:
        if isinstance(self._link, Desk):
            return self._link.deliveries(settings)
        if settings.key is None:
            return _read(self._link, settings)
        # The group would give the entries of one key to two processes.
        group = sha256(f"{self._link.place}\0{settings.stream}\0{settings.group}".encode()).hexdigest()
        return in_turn(leases, f"octo/redis/{group}", partial(_read, self._link, settings))

    @source("redis-subscribe", silence=timedelta(minutes=1), sets=Heard, steps=("flow",))
    async def subscribe(self, settings: Subscribe) -> AsyncIterator[Delivery | Idle]:
        """Get messages of channels.

        Redis keeps none for who is away, and drops who is too slow: such messages are lost.
        """
        if isinstance(self._link, Desk):
            async for each in self._link.deliveries(settings):
                yield each
            return
        async with Lanes(settings.listeners) as lanes:
            lanes.begin(channels.listen(self._link, settings, lanes))
            while True:
                yield await lanes.next()

    # --- blocks ----------------------------------------------------------------------------------------------------

    @block("redis-publish", guarantee="at most once", steps=("send",))
    async def publish(self, settings: Publish, message: Message) -> Message:
        """Publish the body, or `body`, on a channel. The message passes through, whether anybody listens or not."""
        channel = settings.channel(message)
        body = message.body if settings.body is None else settings.body(message)
        _, data = wire.written(body, raw=message.raw and body is message.body)
        effect("redis", command="PUBLISH", channel=channel, bytes=len(data))
        if isinstance(self._link, Link):
            await self._link.run("PUBLISH", channel, data)
        return message

    @block("redis-stream-add", guarantee="at least once", steps=("send", "confirm"))
    async def add(self, settings: Add, message: Message) -> Message:
        """Add an entry to a stream. The message passes through once the server has it."""
        stream, fields = settings.stream(message), _fields(settings, message)
        trim = () if settings.max_length is None else ("MAXLEN", "~", settings.max_length)
        effect("redis", command="XADD", stream=stream, fields=len(fields) // 2)
        entry = "0-1"
        if isinstance(self._link, Link):
            entry = (await self._link.run("XADD", stream, *trim, "*", *fields)).decode()
        return message.with_var(settings.as_, entry) if settings.as_ else message

    @block(
        "redis-command",
        guarantee=CHANGED.guarantee,
        steps=CHANGED.steps,
        idempotent="as written",
        instead=(READ,),
    )
    async def run(self, settings: Run, message: Message) -> Message:
        """Run a command, and make its reply the body."""
        values = [each(message) for each in settings.args]
        args = [argument(position, value) for position, value in enumerate(values, 1)]
        effect("redis", command=settings.command, args=len(args))
        if isinstance(self._link, Link):
            found = reply(settings.command, await self._link.run(settings.command, *args))
        else:
            found = self._link.reply(settings.command, values)
        return message.with_var(settings.as_, found) if settings.as_ else message.with_body(found)


async def _read(
    link: Link, settings: Consume, leads: Callable[[], bool] = lambda: True
) -> AsyncGenerator[Delivery | Idle]:
    group, is_ordered = Group(link, settings), settings.key is not None
    await group.prepare()
    async with Lanes(settings.listeners, key=settings.key, retries=is_ordered) as lanes:
        lanes.begin(lanes.extend(group.lease / 3))
        lanes.begin(group.read(lanes, anew=is_ordered))
        while leads():
            yield await lanes.next()


def _fields(settings: Add, message: Message) -> list[bytes | str]:
    """Names and values of the entry in turn."""
    if settings.fields is None:
        sent = wire.given(settings, message)
        headers = [part for pair in sent.headers.items() for part in pair]
        return [settings.body_field, sent.data, "Content-Type", sent.content_type, *headers]
    found = settings.fields(message)
    if not isinstance(found, dict) or not found:
        raise Permanent("`fields` is no map with at least one field", code=codes.REFUSED)
    return [part for name, value in found.items() for part in (name, wire.written(value)[1])]


_: type[Healthy] = Redis
