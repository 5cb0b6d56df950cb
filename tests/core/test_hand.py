"""Messages by hand reach the source that they were given to, and who gave them hears how they were settled."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from octo.core.delivery import Done, Reject, Retry
from octo.core.errors import Permanent, Transient
from octo.core.flow import Drop
from octo.core.hand import Hand, Trigger, outcome
from octo.core.message import Message
from octo.core.settings import Settings


class Subscribe(Settings):
    subject: str


async def test_a_message_reaches_its_source_and_its_verdict_comes_back():
    """Two sources with equal settings are two."""
    hand, one, two = Hand(), Subscribe(subject="a"), Subscribe(subject="a")
    async with aclosing(hand.deliveries(one)) as deliveries, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(hand.give(two, Message(2)))
        given = tasks.create_task(hand.give(one, Message(1)))
        delivery = await anext(deliveries)
        await delivery.settle(Drop("asked"))

        assert (delivery.message.body, await given) == (1, Drop("asked"))
        waiting.cancel()


async def test_who_has_given_up_does_not_disturb_the_flow():
    hand, source = Hand(), Subscribe(subject="a")
    async with aclosing(hand.deliveries(source)) as deliveries, asyncio.TaskGroup() as tasks:
        given = tasks.create_task(hand.give(source, Message(1)))
        delivery = await anext(deliveries)
        given.cancel()
        await asyncio.sleep(0)
        await delivery.settle(Drop())


def test_a_trigger_says_what_the_message_has():
    made = Trigger.model_validate(
        {"body": 1, "headers": {"a": "b"}, "vars": {"s": "t"}, "correlationID": "c"}
    ).message()

    assert (made.body, made.vars, made.correlation_id) == (1, {"headers": {"a": "b"}, "s": "t"}, "c")


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (Done(Message(1, {"a": 2})), {"settled": "done", "body": 1, "vars": {"a": 2}}),
        (Drop(), {"settled": "drop"}),
        (Drop("asked"), {"settled": "drop", "reason": "asked"}),
        (Retry(1.0, Transient("busy")), {"settled": "retry", "reason": "busy"}),
        (Reject("block: no", Permanent("no")), {"settled": "reject", "reason": "no"}),
    ],
)
def test_a_test_reads_how_a_message_was_settled(verdict, told):
    assert outcome(verdict) == told
