"""Kafka: a flow reads topics as a member of a consumer group, and publishes records.

A group's offset moves behind a record when its flow, and those of all records before it in its partition, have
finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Self

from octo.connectors.kafka import client, codes, records
from octo.connectors.kafka.reader import Reader
from octo.connectors.kafka.sender import Sender
from octo.connectors.kafka.settings import Cluster, Consume, Origin, Publish
from octo.connectors.kafka.stub import Trigger
from octo.core.block import block
from octo.core.connector import connector
from octo.core.delivery import Delivery, Idle, Reject
from octo.core.errors import Permanent, Transient
from octo.core.hand import Hand, Stub, outcome
from octo.core.message import Message
from octo.core.powers import Conflicting, Healthy, Stubbed, Triggered
from octo.core.source import source
from octo.core.trace import effect

if TYPE_CHECKING:
    from confluent_kafka import Message as Raw

LINGER = 5.0
"""Seconds for which a reader stays in its group although no source reads: a reload is over sooner."""


@connector("kafka")
class Kafka:
    def __init__(self, settings: Cluster, sender: Sender | None, cluster: str = "") -> None:
        self._settings = settings
        self._sender = sender
        self._cluster = cluster
        self._readers: list[Reader] = []
        self._reading: set[Reader] = set()
        self._hand = Hand()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Cluster) -> AsyncIterator[Self]:
        try:
            import confluent_kafka  # noqa: F401
        except ImportError:
            needed = "a kafka connector needs confluent-kafka: pip install 'octo-flows[kafka]'"
            raise Permanent(needed, code=codes.NO_PACKAGE) from None
        async with Sender.opened(settings) as sender:
            kafka = cls(settings, sender, await sender.cluster())
            try:
                yield kafka
            finally:
                await asyncio.gather(*(reader.member.left() for reader in kafka._readers))

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Cluster, stub: Stub) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        """Yield a cluster of the test alone."""
        yield cls(settings, None)

    replies = ("settled", "reason", "body", "vars")

    async def trigger(self, source: Consume, spec: Trigger) -> object:
        """Let the source deliver a record; return how it was settled."""
        message, unfit = spec.taken(source)
        if unfit is not None:
            return {"settled": "reject", "reason": str(unfit)}
        return outcome(await self._hand.give(source, message))

    @classmethod
    def conflicts(cls, sources: Sequence[Consume]) -> Iterable[tuple[int, int, str]]:
        """Two sources of one group with a topic in common: each record would come to only one of them."""
        for (first, one), (second, two) in combinations(enumerate(sources), 2):
            if one.group == two.group and (both := sorted({*one.topics} & {*two.topics})):
                yield (
                    first,
                    second,
                    f"both read {both[0]!r} as the group {one.group!r}; each record goes to one of them",
                )

    async def health(self) -> None:
        """Raise `Transient` if no broker answers, or a partition stands still."""
        if self._sender is None:
            return
        for reader in self._readers:
            for record, reason in reader.stopped.items():
                topic, number = record.partition.place
                where = f"{topic}/{number} stands still at offset {record.offset}"
                raise Transient(f"{where}: {reason}", code=codes.STOPPED)
        try:
            await self._sender.cluster()
        except Permanent as error:
            raise Transient(str(error), code=error.code) from None

    # --- the source ----------------------------------------------------------------------------------------------

    @source("kafka", silence=timedelta(minutes=2), sets=Origin, guarantee="at least once", steps=("flow", "commit"))
    async def consume(self, settings: Consume) -> AsyncIterator[Delivery | Idle]:
        """Read topics as a member of a consumer group.

        A record that fails for a reason that may pass is tried again where it is, and those behind it wait. One that
        fails for good goes to the flow's `deadLetter`, else to `deadLetterTopic`; without both its partition stops.
        """
        if self._sender is None:
            async for each in self._hand.deliveries(settings):
                yield each
            return
        for topic in (*settings.topics, *filter(None, (settings.dead_letter_topic,))):
            await self._sender.exists(topic)
        reader = self._reader(settings)
        self._reading.add(reader)
        reader.begin()
        try:
            while True:
                yield await reader.next()
        finally:
            self._reading.discard(reader)
            self._linger(reader)

    def _reader(self, settings: Consume) -> Reader:
        """The reader of the source before this one, if it had the same settings; else a new one."""
        self._readers = [each for each in self._readers if not each.member.ended.done()]
        for each in self._readers:
            if each not in self._reading and each.settings.group == settings.group:
                if each.settings == settings and not each.is_over:
                    return each
                each.member.leave()  # its partitions go to the new one once their records under way are finished
        bury = None if settings.dead_letter_topic is None else partial(self._bury, settings.dead_letter_topic)
        reader = Reader(settings, self._cluster, client.consumer(self._settings, settings), bury)
        self._readers.append(reader)
        return reader

    def _linger(self, reader: Reader) -> None:
        """Let the reader leave its group, if no source reads from it for a while."""

        def leave() -> None:
            if reader not in self._reading:
                reader.member.leave()

        asyncio.get_running_loop().call_later(0.0 if reader.is_over else LINGER, leave)

    async def _bury(self, topic: str, raw: Raw, verdict: Reject) -> None:
        assert self._sender is not None
        value, key = raw.value(), raw.key()
        await self._sender.send(topic, value, key, records.buried(raw, verdict))

    # --- the block -----------------------------------------------------------------------------------------------

    @block("kafka-publish", guarantee="at least once", steps=("send", "confirm"), idempotent="never")
    async def publish(self, settings: Publish, message: Message) -> Message:
        """Publish the body, or `body`, as a record. The message passes through.

        The block returns once all replicas that are in step have the record. A null body is a record without a value,
        which deletes the key in a compacted topic.
        """
        topic, value, key, headers = records.given(settings, message)
        effect("kafka", topic=topic, bytes=len(value or b""))
        if self._sender is not None:
            await self._sender.send(topic, value, key, headers)
        return message


_healthy: type[Healthy] = Kafka
_triggered: type[Triggered] = Kafka
_stubbed: Stubbed = Kafka
_conflicting: Conflicting = Kafka
