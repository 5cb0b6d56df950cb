"""What an author may write for Kafka, and what the client library gets of it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.connectors.kafka import client
from octo.connectors.kafka.settings import Cluster, Consume
from octo.core.errors import Permanent


def cluster(**settings):
    return Cluster.model_validate({"brokers": ["a:9092"]} | settings)


def consume(**settings):
    return Consume.model_validate({"topics": ["t"], "group": "g"} | settings)


@pytest.mark.parametrize(
    ("make", "settings", "told"),
    [
        (cluster, {"brokers": []}, "at least 1 item"),
        (cluster, {"brokers": ["a"]}, "host:port"),
        (cluster, {"brokers": ["kafka://u:p@a:9092"]}, "host:port"),
        (cluster, {"tls": {"cert": "c.pem"}}, "belong together"),
        (cluster, {"sasl": {"username": "u"}}, "password"),
        (consume, {"topics": []}, "at least 1 item"),
        (consume, {"topics": ["a b"]}, "not a topic"),
        (consume, {"topics": ["^a.*"]}, "patterns"),
        (consume, {"deadLetterTopic": "t"}, "would return"),
        (consume, {"order": "none"}, "partition"),
    ],
)
def test_what_cannot_work_is_refused(make, settings, told):
    with pytest.raises(ValidationError, match=told):
        make(**settings)


@pytest.mark.parametrize("broker", ["localhost:9092", "[::1]:9092", "kafka-1.example.com:443"])
def test_a_broker_is_a_host_and_a_port(broker):
    assert cluster(brokers=[broker]).brokers == [broker]


@pytest.mark.parametrize(
    ("settings", "protocol"),
    [
        ({}, "PLAINTEXT"),
        ({"tls": {}}, "SSL"),
        ({"sasl": {"username": "u", "password": "pass"}}, "SASL_PLAINTEXT"),
        ({"tls": {}, "sasl": {"username": "u", "password": "pass"}}, "SASL_SSL"),
    ],
)
def test_the_protocol_follows_from_what_is_set(settings, protocol):
    assert client.connection(cluster(**settings))["security.protocol"] == protocol


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(Permanent, match=r"'nothing\.pem', which is no file"):
        client.connection(cluster(tls={"ca": "nothing.pem"}))


def test_certificates_are_checked_unless_the_author_says_otherwise():
    assert client.connection(cluster(tls={}))["enable.ssl.certificate.verification"]
    assert not client.connection(cluster(tls={"insecureSkipVerify": True}))["enable.ssl.certificate.verification"]


def test_a_password_that_is_sent_readable_is_warned_of():
    plain = {"mechanism": "PLAIN", "username": "u", "password": "hunter2"}

    assert [each[0] for each in cluster(sasl=plain).advice()] == ["sasl"]
    assert list(cluster(sasl=plain, tls={}).advice()) == []
    assert "hunter2" not in repr(cluster(sasl=plain))


def test_only_what_is_told_is_committed_and_only_what_is_committed_is_read():
    config = client.consumer(cluster(), consume(sessionTimeout="6s", instance="pod-1"))

    assert not config["enable.auto.commit"]
    assert (config["isolation.level"], config["group.instance.id"]) == ("read_committed", "pod-1")
    assert (config["session.timeout.ms"], config["heartbeat.interval.ms"]) == (6000, 1500)
