"""Settings of `amqp`: wrong ones are refused before anything is connected, and no error shows a password."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.connectors.amqp.settings import Broker, Consume, Declare, Publish

PASSWORD = "correct-horse"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("amqp://localhost", "amqp://localhost:5672"),
        ("amqps://user:pw@rabbit.example.com/shop", "amqps://rabbit.example.com:5671/shop"),
        ("amqp://u:p%2Fw@[::1]:5673/a%2Fb", "amqp://[::1]:5673/a/b"),
        ("amqp://localhost/%2F", "amqp://localhost:5672"),
    ],
)
def test_an_address_is_told_without_its_credentials(url, place):
    assert Broker(url=url).place == place


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://u:correct-horse@localhost", "no address of AMQP"),
        ("amqp://", "no address of AMQP"),
        ("amqp://u:correct-horse@localhost:x/", "no address"),
        ("amqp://u:correct-horse/1@localhost/", "no address"),
        ("amqp://u:correct-horse@localhost/a/b", "more than an address"),
        ("amqp://u:correct-horse@localhost/a?heartbeat=1", "more than an address"),
    ],
)
def test_what_is_no_address_is_refused_without_showing_it(url, said):
    with pytest.raises(ValidationError, match=said) as found:
        Broker(url=url)
    assert PASSWORD not in str(found.value)


def test_a_virtual_host_of_the_settings_wins():
    assert Broker(url="amqp://localhost/shop", vhost="other").place == "amqp://localhost:5672/other"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Broker(url="amqp://localhost", tls={}), "amqps"),
        (lambda: Broker(url="amqp://localhost", heartbeat="1ms"), "between 1s and 10m"),
        (lambda: Declare(durable=False), "always durable"),
        (lambda: Consume(queue="x" * 256), "256 bytes"),
        (lambda: Consume(queue=""), "at least 1 character"),
    ],
)
def test_what_cannot_work_is_refused(make, said):
    with pytest.raises(ValidationError, match=said):
        make()


def test_dead_letters_have_a_queue_unless_an_exchange_takes_them():
    assert Consume(queue="a").dead_queue == "a.dead"
    assert Consume(queue="a", deadLetterRoutingKey="b").dead_queue == "b"
    assert Consume(queue="a", deadLetterExchange="dlx", deadLetterRoutingKey="b").dead_queue == ""


def test_a_publish_with_an_id_may_be_repeated():
    given = {"routingKey": '"a"'}
    assert Publish.model_validate(given).effect == "once"
    assert Publish.model_validate({**given, "messageID": "body.id"}).effect == "idempotent"
