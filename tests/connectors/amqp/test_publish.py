"""`amqp-publish`: it returns once the broker has the message, and says why if it has not."""

from __future__ import annotations

import asyncio
import re

import pytest

from octo.connectors.amqp import codes
from octo.core.errors import Permanent, Timeout, Transient
from octo.core.flow import Failure, at_last
from octo.core.message import Message
from tests.connectors.amqp.conftest import until

FLOW = """
env: [{name: AMQP}]
connectors:
  - {name: rabbit, type: amqp, settings: {url: "${AMQP}"}}
flows:
  - name: send
    process:
      - {type: amqp-publish, connector: rabbit, SETTINGS}
"""


def flow(settings):
    return FLOW.replace("SETTINGS", settings)


def to(side):
    return flow(f"routingKey: '\"{side.name}\"'")


async def failure(app, body=1):
    with pytest.raises(Failure) as found:
        await app.call("send", body)
    return found.value.cause


async def test_the_broker_has_the_message_when_the_block_returns(side, running):
    await side.declare()
    text = flow(
        f"routingKey: '\"{side.name}\"', messageID: '\"m-\" + string(body.n)', expiration: 1m,"
        " headers: {tenant: '\"a\"', empty: 'null'}"
    )
    async with running(text) as app:
        call = Message({"n": 1}, correlation_id="c-1", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
        passed = await at_last(app.generation.flows["send"].call(call))
        found = await side.get()
    assert passed.body == {"n": 1}
    assert (found.body, found.content_type, found.message_id) == (b'{"n":1}', "application/json", "m-1")
    assert (found.correlation_id, found.delivery_mode, found.expiration) == ("c-1", 2, 60)
    assert dict(found.headers) == {"tenant": "a", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    assert found.timestamp is not None


@pytest.mark.parametrize(
    ("body", "data", "kind"),
    [
        ("text", b"text", "text/plain; charset=utf-8"),
        (b"\xff", b"\xff", "application/octet-stream"),
        (None, b"null", "application/json"),
        ("x" * 300_000, b"x" * 300_000, "text/plain; charset=utf-8"),
    ],
    ids=["text", "bytes", "null", "large"],
)
async def test_a_body_has_its_content_type(side, running, body, data, kind):
    await side.declare()
    async with running(to(side)) as app:
        await app.call("send", body)
        found = await side.get()
    assert (found.body, found.content_type) == (data, kind)


async def test_a_transient_message_is_asked_for(side, running):
    await side.declare()
    async with running(flow(f"routingKey: '\"{side.name}\"', persistent: false")) as app:
        await app.call("send", 1)
        assert (await side.get()).delivery_mode == 1


# --- what goes wrong ---------------------------------------------------------------------------------------------


async def test_a_message_that_no_queue_takes_is_an_error(side, running):
    async with running(to(side)) as app:
        error = await failure(app)
    assert (type(error), error.code) == (Permanent, codes.UNROUTABLE)
    assert str(error) == f"publish to queue '{side.name}': the exchange takes it to no queue"


async def test_unless_that_is_asked_for(side, running):
    async with running(flow(f"routingKey: '\"{side.name}\"', mandatory: false")) as app:
        await app.call("send", 1)


async def test_an_exchange_that_is_not_there_is_an_error_of_its_own_messages_alone(side, running):
    """The broker closes the channel, and what was under way on it is lost: that is nobody else's."""
    await side.declare()
    text = (
        FLOW.replace("SETTINGS", f"exchange: no-{side.name}, routingKey: '\"a\"'")
        + f"""
  - name: good
    process:
      - {{type: amqp-publish, connector: rabbit, routingKey: '"{side.name}"'}}
"""
    )
    async with running(text) as app:
        results = await asyncio.gather(
            *(app.call(("send", "good")[n % 2], n) for n in range(40)), return_exceptions=True
        )
    assert all(isinstance(each, Message) for each in results[1::2])
    assert {each.cause.code for each in results[0::2]} == {codes.NOT_THERE}
    assert f"no exchange 'no-{side.name}'" in str(results[0])
    assert await side.count() == 20


async def test_a_full_queue_is_an_error_that_may_pass(side, running):
    await side.declare(x_max_length=1, x_overflow="reject-publish")
    async with running(to(side)) as app:
        await app.call("send", 1)
        error = await failure(app)
        assert (type(error), error.code) == (Transient, codes.REFUSED)
        await side.get()
        await app.call("send", 2)


async def test_two_messages_with_one_id_are_not_confused(side, running):
    """Only one of them has a queue. The client would blame the one that was sent last."""
    await side.declare()
    text = flow("routingKey: body, messageID: '\"same\"'")
    async with running(text) as app:
        names = ["nowhere", side.name] * 20
        results = await asyncio.gather(*(app.call("send", each) for each in names), return_exceptions=True)
    assert [isinstance(each, Message) for each in results] == [False, True] * 20
    assert await side.count() == 20


@pytest.mark.parametrize("key", ["'x' * 300", "'\\ud800'"], ids=["long", "half"])
async def test_a_routing_key_that_amqp_cannot_carry_is_refused(running, key):
    async with running(flow("routingKey: body")) as app:
        error = await failure(app, "x" * 300 if "300" in key else "\ud800")
        assert isinstance(error, Permanent)
        assert re.search("255|half", str(error))
        assert isinstance(await failure(app, "nowhere"), Permanent), "and the connection lives"


async def test_a_broker_with_an_alarm_is_waited_for_until_the_timeout_and_no_longer(rabbit, side, running):
    """Health says so. Consuming goes on meanwhile, acknowledgements included; when it is over, so does publishing."""
    await side.declare()
    await side.publish("1")
    text = (
        FLOW.replace("SETTINGS", f"routingKey: '\"{side.name}\"', timeout: 1s")
        + f"""
  - name: take
    source: {{connector: rabbit, type: amqp, settings: {{queue: {side.name}-in, declare: {{type: classic}}}}}}
    process: [{{type: set-payload, value: body}}]
"""
    )
    async with running(text) as app:
        await app.call("send", 1)
        rabbit.control("set_vm_memory_high_watermark", "0.000001")
        try:
            error = await failure(app)
            assert (type(error), error.code) == (Timeout, codes.BLOCKED)
            assert "alarm" in str(error)
            with pytest.raises(Transient, match="alarm"):
                await app.connector("rabbit").health()
        finally:
            rabbit.control("set_vm_memory_high_watermark", "0.4")
        await until(lambda: is_sent(app))
        await app.connector("rabbit").health()


async def is_sent(app):
    try:
        await app.call("send", 2)
    except Failure:
        return False
    return True
