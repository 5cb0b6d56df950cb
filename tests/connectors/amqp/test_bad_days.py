"""Bad days of a broker: each ends with messages that move again, without a restart of Octo, and is seen meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.flow import Failure
from octo.engine.lost import Lost
from octo.testing.probe import probes
from tests.connectors.amqp.conftest import until

FLOW = """
env: [{name: AMQP}]
connectors:
  - {name: rabbit, type: amqp, settings: {url: "${AMQP}", heartbeat: 1s}}
  - {name: p, type: probe, settings: {id: p}}
flows:
  - name: take
    source: {connector: rabbit, type: amqp, settings: {queue: QUEUE, SOURCE}}
    process: [{type: note, connector: p, value: body}, MORE]
  - name: send
    process: [{type: amqp-publish, connector: rabbit, routingKey: '"QUEUE"', timeout: 5s}]
"""
DECLARED = "declare: {}"
WAIT = "{type: wait, connector: p}"


def flow(side, source=DECLARED, more="{type: set-payload, value: body}"):
    return FLOW.replace("QUEUE", side.name).replace("SOURCE", source).replace("MORE", more)


def notes():
    return probes["p"].notes


async def moves(app, body):
    """Return once a message that is published from now on has arrived."""

    async def arrives():
        try:
            await app.call("send", body)
        except Failure:
            return False
        return True

    await until(arrives)
    await until(lambda: body in notes())


async def trouble(app):
    """What health says; "" if nothing is wrong."""
    rabbit = app.connector("rabbit")
    if isinstance(rabbit, Lost):
        return rabbit.reason or "lost"
    try:
        async with asyncio.timeout(1.0):  # as the operations port does
            await rabbit.health()
    except Exception as error:  # noqa: BLE001
        return str(error) or type(error).__name__
    return ""


async def is_well(app):
    return not await trouble(app)


@pytest.fixture
def impatient(monkeypatch):
    """Look after the consumer every second, and not every twenty."""
    monkeypatch.setattr("octo.connectors.amqp.consumer.LOOK", 1.0)


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_server_that_comes_back_is_found(rabbit, side, running, end):
    async with running(flow(side)) as app:
        await moves(app, 1)
        await asyncio.sleep(2)  # see test_rabbitmq.py: RabbitMQ 3.10 may lose a quorum queue that is younger
        await asyncio.to_thread(getattr(rabbit, end))
        try:
            assert await until(lambda: trouble(app))
            with pytest.raises(Failure):
                await app.call("send", 2)
        finally:
            await asyncio.to_thread(rabbit.start)
        await moves(app, 3)
        await until(lambda: is_well(app))


async def test_a_connection_that_the_broker_closes_is_opened_again(rabbit, side, running):
    async with running(flow(side)) as app:
        await moves(app, 1)
        first = app.connector("rabbit")
        await asyncio.to_thread(rabbit.control, "close_all_connections", "as ordered")
        await until(lambda: app.connector("rabbit") is not first)
        await moves(app, 2)
        assert not await trouble(app)


async def test_what_was_under_way_when_a_connection_was_lost_comes_again(rabbit, side, running):
    async with running(flow(side, more=WAIT)) as app:
        await side.publish("1")
        await until(lambda: notes() == [1])
        await asyncio.to_thread(rabbit.control, "close_all_connections", "as ordered")
        await until(lambda: notes() == [1, 1])
        probes["p"].gate("go").set()
        await moves(app, 2)
    assert await side.count() == 0


async def test_whoever_stops_asking_does_not_cost_the_connection(side, running):
    """The client closes the channel of a question that is cancelled; twice, if it was closing it: for that mistake the
    broker ends the connection. A probe of health is cancelled after a second.
    """
    async with running(flow(side)) as app:
        await moves(app, 1)
        rabbit = app.connector("rabbit")
        for turns in range(60):
            asked = asyncio.get_running_loop().create_task(rabbit.health())
            for _ in range(turns):
                await asyncio.sleep(0.0005)
            asked.cancel()
            await asyncio.wait({asked})
        await moves(app, 2)
        assert app.connector("rabbit") is rabbit
        assert not rabbit._client._incoming.is_gone


async def test_a_queue_that_is_deleted_is_made_again(side, running):
    async with running(flow(side)) as app:
        await moves(app, 1)
        await side.delete()
        await moves(app, 2)


async def test_a_queue_that_is_deleted_and_not_ours_is_waited_for(side, running, caplog):
    await side.declare()
    async with running(flow(side, "maxAttempts: 2")) as app:
        await moves(app, 1)
        await side.delete()
        await until(lambda: "source broke, trying again" in caplog.text)
        await until(lambda: app.generation.broken.get("take"))
        await side.declare()
        await moves(app, 2)


@pytest.mark.usefixtures("impatient")
async def test_a_black_hole_is_noticed_and_left_when_it_ends(rabbit, side, running):
    """A server that answers nothing and ends no connection: that is no error by itself."""
    async with running(flow(side)) as app:
        await moves(app, 1)
        first = app.connector("rabbit")
        await asyncio.to_thread(rabbit.pause)
        try:
            assert await until(lambda: trouble(app))
            await until(lambda: app.connector("rabbit") is not first)
        finally:
            await asyncio.to_thread(rabbit.resume)
        await moves(app, 2)
        await until(lambda: is_well(app))


async def test_who_only_publishes_notices_a_black_hole_too(rabbit, side, running):
    await side.declare()
    text = FLOW[: FLOW.index("  - name: take")] + FLOW[FLOW.index("  - name: send") :]
    async with running(text.replace("QUEUE", side.name)) as app:
        await app.call("send", 1)
        first = app.connector("rabbit")
        await asyncio.to_thread(rabbit.pause)
        try:
            with pytest.raises(Failure, match="not confirmed within 5 seconds"):
                await app.call("send", 2)

            async def is_lost():
                await trouble(app)
                with pytest.raises(Failure):
                    await app.call("send", 3)
                return app.connector("rabbit") is not first

            await until(is_lost)
        finally:
            await asyncio.to_thread(rabbit.resume)
        await until(lambda: is_well(app))
        await app.call("send", 4)


@pytest.mark.usefixtures("impatient")
async def test_a_consumer_that_the_broker_has_forgotten_is_noticed(side, running, caplog):
    """Without a word to it, as after a failover: it is asked for."""
    async with running(flow(side)) as app:
        await moves(app, 1)
        # The source is told nothing: the tag is cancelled behind its back.
        [consumer] = app.connector("rabbit")._client._consumers
        inner = await consumer._channel.get_underlay_channel()
        [tag] = inner.consumers
        await inner.basic_cancel(tag)
        await until(lambda: "source broke, trying again" in caplog.text)
        await moves(app, 2)


async def test_a_message_that_takes_longer_than_the_broker_allows_comes_again_and_others_move(rabbit, side, running):
    """RabbitMQ closes the channel of a consumer that has not acknowledged for half an hour."""
    limits = "[application:set_env(rabbit, K, V) || {K, V} <- [{consumer_timeout, T}, {channel_tick_interval, I}]]."
    command = limits.replace("T}", "1000}").replace("I}", "500}")
    await asyncio.to_thread(rabbit.control, "eval", command)
    try:
        async with running(flow(side, "declare: {type: classic}", WAIT)) as app:
            await side.publish("1")
            await until(lambda: notes() == [1])
            await until(lambda: notes()[:2] == [1, 1])
            probes["p"].gate("go").set()
            await moves(app, 2)
    finally:
        command = limits.replace("T}", "1800000}").replace("I}", "60000}")
        await asyncio.to_thread(rabbit.control, "eval", command)


async def test_a_queue_that_was_made_otherwise_is_not_touched_and_the_source_says_what_differs(side, running, caplog):
    await side.declare()
    async with running(flow(side)) as app:
        await until(lambda: app.generation.broken.get("take"))
        assert "inequivalent arg 'x-queue-type'" in app.generation.broken.get("take")
        await side.delete()
        await moves(app, 1)
