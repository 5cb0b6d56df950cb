"""The throw-away NATS server: what it has acknowledged is on disk."""

import asyncio

import nats

from octo.testing.nats import Nats


async def published(url):
    client = await nats.connect(url)
    try:
        await client.jetstream().add_stream(name="orders", subjects=["orders.>"])
        await client.jetstream().publish("orders.1", b"one")
    finally:
        await client.close()


async def held(url):
    client = await nats.connect(url)
    try:
        return (await client.jetstream().stream_info("orders")).state.messages
    finally:
        await client.close()


def test_what_a_stream_has_acknowledged_outlives_a_kill():
    with Nats.started() as server:
        asyncio.run(published(server.url))
        server.kill()
        server.start()
        assert asyncio.run(held(server.url)) == 1
