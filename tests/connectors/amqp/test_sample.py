"""The sample does with a real broker what its comments say."""

from __future__ import annotations

from pathlib import Path

from aio_pika.exceptions import ChannelNotFoundEntity

from octo.core import letter as letters
from octo.testing import running
from tests.connectors.amqp.conftest import until

SAMPLE = Path(__file__).parents[3] / "samples" / "first-week" / "rabbitmq.yaml"


async def is_bound(side):
    """Whether the source has made its exchange and queue."""
    try:
        await side.publish("null", "nobody", exchange="orders")
    except ChannelNotFoundEntity:
        return False
    return await side.count("shipping") is not None


async def test_an_order_is_shipped_once_and_what_is_no_order_is_a_dead_letter(rabbit, side, free_port, caplog):
    caplog.set_level("INFO")
    environment = {"AMQP_URL": rabbit.url, "HTTP_PORT": str(free_port())}
    async with running(SAMPLE, environ=environment) as app:
        await until(lambda: is_bound(side))
        for _ in range(2):
            accepted = await app.call("accept", {"id": "a-1", "customer": "ada", "amount": 1500})
        assert accepted.body == {"accepted": "a-1"}
        await until(lambda: app.kinds("ship").count("completed") == 2)
        assert caplog.text.count("shipping a-1 for ada") == 1
        await side.publish('{"customer": "ada"}', "order.ada", exchange="orders", message_id="a-2")
        dead = await until(lambda: side.get("shipping.dead"))
    assert letters.read(dead.headers["X-Octo-Letter"]).flow == "ship"
