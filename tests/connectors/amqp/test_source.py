"""The `amqp` source: what a message becomes, and that it leaves its queue only once it is where it belongs."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal

import aio_pika
import pytest

from octo.connectors.amqp import Amqp
from octo.core import letter as letters
from octo.testing import check_connector
from octo.testing.probe import probes
from tests.connectors.amqp.conftest import PATIENCE, until

FLOW = """
env: [{name: AMQP}]
connectors:
  - {name: rabbit, type: amqp, settings: {url: "${AMQP}"}}
  - {name: p, type: probe, settings: {id: p}}
flows:
  - name: take
    source: {connector: rabbit, type: amqp, settings: {queue: QUEUE, SOURCE}}
    MORE
    process: [WORK]
"""
NOTE = (
    """{type: note, connector: p, value: '{"body": body, "vars": vars, "id": eventID, "correlation": correlationID}'}"""
)
BODY = "{type: note, connector: p, value: body}"
WAIT = "{type: wait, connector: p}"
CLASSIC = "declare: {type: classic}"


def flow(side, work=NOTE, source=CLASSIC, more=""):
    return FLOW.replace("QUEUE", side.name).replace("SOURCE", source).replace("MORE", more).replace("WORK", work)


def fails(how):
    return f"{{type: fail, connector: p, how: {how}}}"


def notes():
    return probes["p"].notes


async def test_a_message_has_its_body_its_variables_and_is_gone_once_the_flow_is_done(side, running):
    async with running(flow(side)):
        await side.publish(
            '{"n": 1}',
            message_id="m-1",
            correlation_id="c-1",
            headers={"tenant": "a", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
        )
        [found] = await until(notes)
    assert found["body"] == {"n": 1}
    assert found["correlation"] == "c-1"
    assert found["vars"]["headers"]["tenant"] == "a"
    assert {name: value for name, value in found["vars"].items() if name != "headers"} == {
        "queue": side.name,
        "exchange": "",
        "routingKey": side.name,
        "messageID": "m-1",
        "replyTo": "",
        "redelivered": False,
    }
    assert await side.count() == 0


async def test_the_same_message_has_the_same_event_id_each_time_and_no_other_has_it(side, running):
    """Also where a sender gives two messages one id."""
    work = f"{NOTE}, {fails('transient')}"
    async with running(flow(side, work, "declare: {type: classic}, prefetch: 1, maxAttempts: 2")):
        await side.publish("1", message_id="same")
        await side.publish("2", message_id="same")
        await until(lambda: len(notes()) == 4)
        ids = [(each["body"], each["id"]) for each in notes()]
    assert len(set(ids)) == 2
    assert len({id_ for _, id_ in ids}) == 2


async def test_messages_are_taken_in_order_and_at_most_prefetch_at_once(side, running):
    await side.declare()
    async with side.channel() as channel:
        for n in range(20):
            await channel.default_exchange.publish(aio_pika.Message(str(n).encode()), side.name)
    async with running(flow(side, f"{BODY}, {WAIT}", "prefetch: 3")):
        await until(lambda: probes["p"].waiting == 3)
        assert await until(side.count) == 17
        probes["p"].gate("go").set()
        await until(lambda: len(notes()) == 20)
        assert sorted(notes()) == list(range(20))
        assert probes["p"].most_waiting <= 3


# --- attempts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_a_message_that_failed_for_a_while_is_tried_again_and_then_a_dead_letter(side, running, kind):
    """It rests here, unacknowledged, and others pass it by."""
    work = f"{BODY}, {{type: filter, expr: body == 1}}, {fails('transient')}"
    async with running(flow(side, work, f"declare: {{type: {kind}}}, maxAttempts: 2")):
        await side.publish("1", message_id="m-1")
        await until(lambda: notes() == [1])
        assert await side.count(f"{side.name}.dead") is None
        await side.publish("2")
        await until(lambda: notes() == [1, 2])
        await until(lambda: notes() == [1, 2, 1])
        dead = await until(lambda: side.get(f"{side.name}.dead"))
    assert await side.count() == 0
    assert (dead.body, dead.message_id, dead.headers["X-Octo-Queue"]) == (b"1", "m-1", side.name)
    letter = letters.read(dead.headers["X-Octo-Letter"])
    assert (letter.flow, letter.attempts) == ("take", 2)
    assert "attempt 2 of 2 failed" in letter.reason


async def test_a_quorum_queue_counts_attempts_over_processes_and_a_worn_out_message_is_not_run(side, running):
    """As one that has ended its process each time. A stop gives it back before it is settled."""
    text = flow(side, f"{BODY}, {WAIT}", "declare: {}, maxAttempts: 2")
    await side.declare(kind="quorum")
    await side.publish("1")
    for _ in range(2):
        async with running(text, drain=0.0):
            await until(lambda: probes["p"].waiting == 1)
        assert await until(side.count) == 1
    async with running(text):
        dead = await until(lambda: side.get(f"{side.name}.dead"))
        assert notes() == []
    assert "it was never settled" in letters.read(dead.headers["X-Octo-Letter"]).reason


async def test_what_a_sender_writes_into_the_header_of_attempts_does_not_count(side, running):
    async with running(flow(side, BODY, "declare: {}")):
        await side.publish("1", headers={"x-delivery-count": 1000})
        await until(lambda: notes() == [1])


async def test_what_waits_is_given_back_when_the_source_stops(side, running):
    async with running(flow(side, f"{BODY}, {WAIT}", "declare: {type: classic}, prefetch: 5", "workers: 1"), drain=0.0):
        for n in range(5):
            await side.publish(str(n))
        await until(lambda: probes["p"].waiting == 1)
    assert await until(side.count) == 5


# --- dead letters ------------------------------------------------------------------------------------------------


async def test_a_message_that_would_fail_again_is_a_dead_letter_at_once(side, running):
    async with running(flow(side, fails("permanent"))):
        await side.publish("1", headers={"a": "b"}, correlation_id="c")
        dead = await until(lambda: side.get(f"{side.name}.dead"))
    assert (dead.headers["a"], dead.correlation_id, dead.delivery_mode) == ("b", "c", 2)
    assert await side.count() == 0


@pytest.mark.parametrize("body", [b"\xff{", b'{"n": ', b"x" * 2000], ids=["bytes", "half", "huge"])
async def test_what_is_no_message_is_a_dead_letter_and_others_go_on(side, running, body):
    async with running(flow(side, BODY, f"{CLASSIC}, maxBodyBytes: 1000")):
        await side.publish(body)
        dead = await until(lambda: side.get(f"{side.name}.dead"))
        await side.publish("1")
        await until(lambda: notes() == [1])
    assert dead.body == body


async def test_with_a_dead_letter_of_the_flow_it_is_there_and_nowhere_else(side, running, tmp_path):
    kept = tmp_path / "dead.jsonl"
    more = f"deadLetter: {{file: {kept}}}"
    async with running(flow(side, fails("permanent"), CLASSIC, more)):
        await side.publish("7")
        await until(kept.exists)
        await until(lambda: kept.read_text().endswith("\n"))
    assert json.loads(kept.read_text().splitlines()[0])["message"]["body"] == 7
    assert await side.count() == 0
    assert await side.count(f"{side.name}.dead") is None


async def test_a_dead_letter_keeps_headers_of_every_kind(side, running):
    kinds = {
        "null": None,
        "float": 1.5,
        "bytes": bytearray(b"\xff"),
        "map": {"list": [1, None, True]},
        "long": 2**40,
        "no": False,
    }
    kinds |= {"time": datetime(2026, 1, 1, tzinfo=UTC), "decimal": Decimal("1.5")}
    async with running(flow(side, fails("permanent"))):
        await side.publish("1", headers=kinds)
        dead = await until(lambda: side.get(f"{side.name}.dead"))
    assert {name: value for name, value in dead.headers.items() if not name.startswith("X-")} == kinds


async def test_an_exchange_may_take_dead_letters(side, running):
    grave = f"{side.name}-grave"
    async with side.channel() as channel:
        exchange = await channel.declare_exchange(f"{side.name}-dlx", "fanout", durable=True)
        await (await channel.declare_queue(grave, durable=True)).bind(exchange)
    async with running(flow(side, fails("permanent"), f"{CLASSIC}, deadLetterExchange: {side.name}-dlx")):
        await side.publish("1")
        dead = await until(lambda: side.get(grave))
    assert (dead.body, dead.routing_key) == (b"1", side.name)


async def test_a_dead_letter_that_nobody_keeps_stays_in_its_queue_and_makes_health_red(side, running, monkeypatch):
    """RabbitMQ would drop it without a word. Once a queue is bound, it goes there."""
    monkeypatch.setattr("octo.connectors.amqp.consumer.PAUSE", 0.1)
    async with side.channel() as channel:
        await channel.declare_exchange(f"{side.name}-dlx", "fanout", durable=True)
    async with running(flow(side, fails("permanent"), f"{CLASSIC}, deadLetterExchange: {side.name}-dlx")) as app:
        await side.publish("1")
        rabbit = app.connector("rabbit")

        async def trouble():
            try:
                await rabbit.health()
            except Exception as error:  # noqa: BLE001
                return str(error)

        assert "takes it to no queue" in await until(trouble)
        async with side.channel() as channel:
            await (await channel.declare_queue(side.name + "-late", durable=True)).bind(f"{side.name}-dlx")
        dead = await until(lambda: side.get(side.name + "-late"))
        await until(lambda: not_in_trouble(rabbit))
    assert dead.body == b"1"
    assert await side.count() == 0


async def not_in_trouble(rabbit):
    await rabbit.health()
    return True


async def test_a_dead_letter_that_is_moved_back_goes_on_counting(side, running):
    async with running(flow(side, fails("permanent"))):
        await side.publish("1")
        first = await until(lambda: side.get(f"{side.name}.dead"))
        await side.publish(first.body, headers=dict(first.headers))
        second = await until(lambda: side.get(f"{side.name}.dead"))
    assert letters.read(second.headers["X-Octo-Letter"]).attempts == 2


# --- replies -----------------------------------------------------------------------------------------------------


async def asked(side, body="2"):
    """What a client of RPC gets."""
    async with side.channel() as channel:
        replies = await channel.declare_queue(exclusive=True)
        message = aio_pika.Message(body.encode(), reply_to=replies.name, correlation_id="r-1")
        await channel.default_exchange.publish(message, side.name)
        async with replies.iterator(timeout=PATIENCE) as incoming:
            reply = await anext(incoming)
            await reply.ack()
            return reply


async def test_who_waits_gets_the_outcome(side, running):
    await side.declare()
    async with running(flow(side, "{type: set-payload, value: 'body * 21'}", "")):
        reply = await asked(side)
    assert (reply.body, reply.content_type, reply.correlation_id) == (b"42", "application/json", "r-1")
    assert await side.count() == 0


async def test_who_waits_gets_the_error_and_no_dead_letter_is_kept(side, running):
    await side.declare()
    async with running(flow(side, fails("permanent"), "")):
        reply = await asked(side)
        assert await side.count(f"{side.name}.dead") is None
    told = json.loads(reply.body)
    assert (told["code"], told["retryable"], reply.headers["X-Octo-Error"]) == ("OCTO-R110", False, "OCTO-R110")
    assert "as ordered" in told["error"]


async def test_who_waits_hears_of_a_drop(side, running):
    await side.declare()
    async with running(flow(side, "{type: filter, expr: 'false'}", "")):
        reply = await asked(side)
    assert (reply.body, "X-Octo-Dropped" in reply.headers) == (b"", True)


async def test_an_error_that_reaches_nobody_is_a_dead_letter(side, running):
    await side.declare()
    async with running(flow(side, fails("permanent"), "")):
        await side.publish("1", reply_to="nobody-waits-here")
        assert (await until(lambda: side.get(f"{side.name}.dead"))).body == b"1"


async def test_an_outcome_that_reaches_nobody_is_done(side, running):
    await side.declare()
    async with running(flow(side, BODY, "")):
        await side.publish("1", reply_to="nobody-waits-here")
        await until(lambda: notes() == [1])
    assert await side.count() == 0


# --- order -------------------------------------------------------------------------------------------------------


async def test_messages_with_one_key_keep_their_order_also_when_one_is_tried_again(side, running):
    work = f"""
      {{type: if, condition: 'body.n == 0 && !vars.redelivered', then: [{WAIT}]}},
      {{type: note, connector: p, value: '[body.k, body.n]'}}"""
    text = flow(side, work, "declare: {}, key: body.k, prefetch: 50")
    async with running(text):
        for n in range(3):
            for k in "ab":
                await side.publish(json.dumps({"k": k, "n": n}))
        await until(lambda: probes["p"].waiting == 2)
        assert notes() == []
        probes["p"].gate("go").set()
        await until(lambda: len(notes()) == 6)
        for k in "ab":
            assert [n for key, n in notes() if key == k] == [0, 1, 2]


async def test_a_queue_that_is_declared_with_a_key_has_one_consumer_at_a_time(side, running):
    text = flow(side, f"{BODY}, {WAIT}", "declare: {}, key: '\"all\"', prefetch: 5")
    async with running(text), side.channel() as channel:
        with pytest.raises(aio_pika.exceptions.ChannelPreconditionFailed):
            await channel.declare_queue(side.name, durable=True, arguments={"x-queue-type": "quorum"})


async def test_a_reload_does_not_overtake_what_is_under_way(side, running):
    """The next source gets nothing of the queue before the first has settled what it had."""
    text = flow(side, f"{BODY}, {WAIT}", "declare: {}, key: '\"all\"', prefetch: 5")
    async with running(text) as first:
        await side.publish("1")
        await side.publish("2")
        await until(lambda: notes() == [1])
        await first.generation.starve()
        gate, seen = probes["p"].gate("go"), notes()
        async with running(text):
            await asyncio.sleep(1)
            assert notes() == []
            gate.set()
            await until(lambda: notes() == [2])
    assert seen == [1]


# --- conformance -------------------------------------------------------------------------------------------------


async def test_it_keeps_the_promises_that_every_connector_makes(side):
    await side.declare(kind="quorum")

    async def feed(_):
        await side.publish("1")

    await check_connector(
        Amqp,
        {"url": side.url},
        sources={"amqp": {"queue": side.name}},
        blocks={"amqp-publish": {"routingKey": f'"{side.name}-out"', "mandatory": False}},
        message={"n": 1},
        feed={"amqp": feed},
        triggers={"amqp": {"body": {"n": 1}}},
        patience=20.0,
    )
