"""A step of a message is the same whenever the message comes again, and another one in each turn of a loop."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.message import Message
from octo.core.occurrence import called, matters, step, turn
from octo.testing.clock import virtual
from octo.testing.harness import running

OUTER, INNER = Message(event_id="outer"), Message(event_id="inner")


def ask(message):
    return message.with_body(step(message, "f.block"))


def test_turns_and_calls_are_in_it_and_not_the_ids_of_calls():
    found = turn(3, lambda message: called(lambda inner: turn(0, ask, inner), INNER, message, "g.call"), OUTER)
    assert found.body == "outer/3/g.call/0/f.block"
    assert ask(OUTER).body == "outer/f.block", "nothing is left of it"


def test_what_the_called_flow_makes_is_another_message():
    found = called(lambda _: ask(Message(event_id="made")), INNER, OUTER, "g.call")
    assert found.body == "made/f.block"


@virtual()
async def test_turns_beside_each_other_keep_theirs_while_they_wait():
    async def late(message):
        await asyncio.sleep(1)
        return ask(message)

    waiting = [turn(number, late, OUTER) for number in range(2)]
    assert ask(OUTER).body == "outer/f.block"
    assert [each.body for each in await asyncio.gather(*waiting)] == ["outer/0/f.block", "outer/1/f.block"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{type: set-payload, value: '1'}", False),
        ("{type: object-delete, key: '\"a\"'}", True),
        ("{type: if, condition: 'true', then: [{type: flow-ref, flow: f}]}", True),
    ],
)
@virtual()
async def test_loops_without_anything_that_asks_are_not_counted(body, expected):
    flow = f"flows: [{{name: f, process: [{{type: foreach, items: '[]', body: [{body}]}}]}}]"
    async with running(flow) as app:
        (block,) = app.generation.config.flows["f"].process
        assert matters(block.settings.body) is expected
