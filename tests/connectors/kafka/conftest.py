"""Topics of a real broker: what a test writes into them, reads of them, and how far a group is."""

from __future__ import annotations

import asyncio
import json
from itertools import count

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

PATIENCE = 60.0
_numbers = count()


async def until(condition, what="it"):
    """Wait until the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


class Topic:
    """A new topic, and a group of the same name."""

    def __init__(self, kafka, partitions=1):
        self.kafka = kafka
        self.name = f"t{next(_numbers)}"
        self.partitions = partitions
        kafka.create(self.name, partitions)

    def write(self, *values, key=None, partition=0, **more):
        """Append records: bytes as they are, None for no value, anything else as JSON."""
        producer = Producer({"bootstrap.servers": self.kafka.address, "linger.ms": 0})
        for value in values:
            data = value if isinstance(value, bytes | None) else json.dumps(value).encode()
            producer.produce(self.name, data, key, partition=partition, **more)
        assert producer.flush(PATIENCE) == 0

    def read(self, number):
        """The first so many records, of all partitions."""
        consumer = Consumer({"bootstrap.servers": self.kafka.address, "group.id": "reading"})
        consumer.assign([TopicPartition(self.name, each, 0) for each in range(self.partitions)])
        found = []
        while len(found) < number:
            record = consumer.poll(PATIENCE)
            assert record is not None, f"only {len(found)} records came"
            found.append(record)
        consumer.close()
        return found

    @property
    def offsets(self):
        """The offset of the group in each partition; None where it has none."""
        consumer = Consumer({"bootstrap.servers": self.kafka.address, "group.id": self.name, "log_level": 0})
        try:
            found = consumer.committed([TopicPartition(self.name, each) for each in range(self.partitions)], PATIENCE)
        except KafkaException:  # the broker does not know its group yet
            return None
        finally:
            consumer.close()
        return [each.offset if each.offset >= 0 else None for each in found]


@pytest.fixture
def topic(kafka):
    return Topic(kafka)


@pytest.fixture
def topics(kafka):
    """Makes further topics."""
    return lambda partitions=1: Topic(kafka, partitions)
