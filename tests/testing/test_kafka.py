"""The throw-away Kafka broker: what it has acknowledged is there after a kill; its guarded door asks for a password."""

from __future__ import annotations

from contextlib import suppress

import pytest
from confluent_kafka import Consumer, KafkaException, Producer

from octo.testing import kafka as testing
from octo.testing.kafka import PASSWORD, Kafka
from octo.testing.servers import Missing


def test_what_it_has_acknowledged_outlives_a_kill(kafka):
    kafka.create("outlives")
    producer = Producer({"bootstrap.servers": kafka.address, "acks": "all"})
    producer.produce("outlives", b"one")
    assert producer.flush(60) == 0
    kafka.kill()
    kafka.start()

    consumer = Consumer({"bootstrap.servers": kafka.address, "group.id": "g", "auto.offset.reset": "earliest"})
    consumer.subscribe(["outlives"])
    assert consumer.poll(60).value() == b"one"
    consumer.close()


@pytest.mark.parametrize(("password", "is_let_in"), [(PASSWORD, True), ("wrong", False)])
def test_its_guarded_door_asks_for_a_password(kafka, password, is_let_in):
    said = []
    settings = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "octo"}
    client = Producer(
        {
            "bootstrap.servers": kafka.guarded,
            **settings,
            "sasl.password": password,
            "error_cb": lambda error: said.append(error.name()),
            "log_level": 0,
        }
    )
    while not said and client.poll(0.1) == 0:
        with suppress(KafkaException):
            if client.list_topics(timeout=0.5).brokers:
                break
    assert ("_AUTHENTICATION" in said) is not is_let_in


def test_without_its_jars_the_error_says_how_to_get_them(monkeypatch):
    monkeypatch.setattr(testing, "VERSION", "0.0.0")
    with pytest.raises(Missing, match=r"setup\.sh dev"), Kafka.started():
        pass
