"""Kafka on both ends, and lives that are killed: what was published arrives, in the order of its key."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import dataclass
from itertools import count

import pytest
from confluent_kafka import Consumer, TopicPartition

from octo.connectors.kafka.reader import UNCOMMITTED
from tests.chaos import lives
from tests.chaos.lives import HERE, PATIENCE
from tests.chaos.loop import RANDOM, Loop
from tests.chaos.workloads import CONFIRMED, POINTS, Workload

PARTITIONS = 3
LISTENERS = 4
OTHER = 1000
"""The life that is not the loop's own."""
_FLOW = """
env: [{name: PORT}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}"}}
  - {name: k, type: kafka, settings: {brokers: ["ADDRESS"]}}
flows:
  - name: accept
    source: {connector: web, type: http, settings: {path: /pairs, methods: [POST], headers: [Idempotency-Key]}}
    process:
      - type: kafka-publish
        connector: k
        topic: '"TOPIC"'
        key: '"k" + string(body.p)'
        headers: {Idempotency-Key: 'vars["Idempotency-Key"]'}
  - name: work
    source: {connector: k, type: kafka, settings: {topics: [TOPIC], group: TOPIC, listeners: LISTENERS, MORE}}
    process:
      - {type: set-variable, settings: {name: Idempotency-Key, value: 'vars.headers["Idempotency-Key"]'}}
      - {type: python, call: "kafka_effects:first"}
      - {type: python, call: "kafka_effects:second"}
"""
_numbers = count()
POINTS_OF_KAFKA = (*POINTS, CONFIRMED)


@dataclass(frozen=True)
class Records(Workload):
    """A topic, and a group of the same name. address: of the broker."""

    address: str = ""

    async def prepare(self, services):
        """The topic is there."""

    async def left(self, services):
        """How many records the group has not passed."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": self.name, "log_level": 0})
        places = [TopicPartition(self.name, each) for each in range(PARTITIONS)]
        passed = {each.partition: max(0, each.offset) for each in consumer.committed(places, PATIENCE)}
        ends = [consumer.get_watermark_offsets(each, PATIENCE)[1] for each in places]
        consumer.close()
        return sum(end - passed[number] for number, end in enumerate(ends))


def flow(address, topic, more="instance: only"):
    found = _FLOW.replace("ADDRESS", address).replace("TOPIC", topic).replace("LISTENERS", str(LISTENERS))
    return found.replace("MORE", more)


def made(kafka, folder, port, zygote, more):
    """A loop over a new topic."""
    topic = f"pairs-{next(_numbers)}"
    kafka.create(topic, PARTITIONS)
    under_way = (1 + UNCOMMITTED) * LISTENERS
    workload = Records(
        topic, flow(kafka.address, topic, more), under_way, in_order=True, once=False, address=kafka.address
    )
    loop = Loop(workload, f"sqlite:{folder}/octo.db", folder / "loop", port, zygote)
    shutil.copy(HERE / "kafka_effects.py", loop.folder)
    return loop


@pytest.mark.timeout(400)
def test_nothing_is_lost(zygote, kafka, tmp_path, port):
    """A life that comes back under its name has its partitions at once."""
    loop = made(kafka, tmp_path, port, zygote, "instance: only")
    verdict = loop.run((*POINTS_OF_KAFKA, RANDOM, RANDOM))
    assert verdict.wrong() == [], loop.log
    assert all(each.told for each in loop.producers), "nothing was sent, so nothing was shown"


def test_two_lives_share_a_topic_and_one_goes_on_alone(zygote, kafka, tmp_path, port, free_port):
    """The one that is killed is missed after `sessionTimeout`; what it had under way comes to the other."""
    loop = made(kafka, tmp_path, port, zygote, "sessionTimeout: 3s")
    with lives.zygote() as other:
        neighbour = loop.begin(OTHER, zygote=other, port=free_port())

        def killed():
            loop.wait(lambda: {each.life for each in loop.sink.arrivals} == {1, OTHER})
            os.kill(neighbour, signal.SIGKILL)
            other.ended(PATIENCE)
            before = len(loop.sink.arrivals)
            loop.wait(lambda: len({each.pair.p for each in loop.sink.arrivals[before:]}) == len(loop.producers))

        verdict = loop.run((), killed, killed=1)
    assert verdict.wrong() == [], loop.log


def test_a_life_that_was_away_too_long_commits_nothing_it_has_lost(zygote, kafka, tmp_path, port, free_port):
    """A process that slept, as a machine that was suspended: others have its partitions when it wakes."""
    loop = made(kafka, tmp_path, port, zygote, "sessionTimeout: 3s")
    with lives.zygote() as other:
        sleeper = loop.begin(OTHER, zygote=other, port=free_port())

        def asleep():
            loop.wait(lambda: {each.life for each in loop.sink.arrivals} == {1, OTHER})
            os.kill(sleeper, signal.SIGSTOP)
            before = len(loop.sink.arrivals)
            loop.wait(lambda: len({each.pair.p for each in loop.sink.arrivals[before:]}) == len(loop.producers))
            os.kill(sleeper, signal.SIGCONT)
            loop.wait(lambda: any(each.life == OTHER for each in loop.sink.arrivals[before:]))
            os.kill(sleeper, signal.SIGTERM)
            assert other.ended(PATIENCE) == 0, loop.log

        verdict = loop.run((), asleep, killed=1)
    assert verdict.wrong() == [], loop.log
