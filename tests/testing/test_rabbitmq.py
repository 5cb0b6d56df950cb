"""The throw-away RabbitMQ server: what it has confirmed outlives a kill, and `rabbitmqctl` reaches it."""

import asyncio

import aio_pika
import pytest

from octo.testing.rabbitmq import RabbitMQ


@pytest.fixture(scope="module")
def server():
    with RabbitMQ.started() as found:
        yield found


async def test_what_it_has_confirmed_outlives_a_kill(server):
    async with await aio_pika.connect(server.url) as connection, connection.channel() as channel:
        await channel.declare_queue("orders", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"one", delivery_mode=2), "orders")
        # A quorum queue that is killed within half a second of its declaration never works again (RabbitMQ 3.10).
        await asyncio.sleep(2)
    server.kill()
    server.start()
    async with await aio_pika.connect(server.url) as connection, connection.channel() as channel:
        assert (await (await channel.get_queue("orders")).get()).body == b"one"


def test_rabbitmqctl_reaches_it_and_says_what_is_wrong(server):
    assert server.control("list_vhosts").split() == ["name", "/"]
    with pytest.raises(RuntimeError, match="list_everything"):
        server.control("list_everything")
