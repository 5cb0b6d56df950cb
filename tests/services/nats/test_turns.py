"""Lines of ordering keys that a killed process left between two steps. What they do otherwise: test_providers."""

from __future__ import annotations

import pytest

from octo.services.nats import names, opening, streams, turns
from octo.services.nats.queues import Lines


@pytest.fixture
async def opened(fresh_nats, monkeypatch):
    monkeypatch.setattr(turns, "LOOK", 0.05)
    async with opening.opened(fresh_nats) as opened:
        yield opened


async def remove(opened, kind):
    """What is first, of the queue or of its lines, as if a process had been killed right after that."""
    found = await opened.next(streams.QUEUES, opened.subject(kind, "orders", "*", "*"), 0)
    await opened.remove(streams.QUEUES, found.seq)


async def received(queues, until):
    found = []

    async def is_there():
        found.extend(await queues.receive("orders", lease=60))
        return bool(found)

    await until(is_there)
    return found[0]


async def test_a_turn_that_was_given_and_not_taken(opened, until):
    """The message is in its line and not in the queue: it goes there, once."""
    queues = Lines(opened)
    await queues.send("orders", 1, order="a")
    await remove(opened, "queue")
    assert await queues.receive("orders") == []

    first = await received(queues, until)
    assert (first.value, first.attempt, first.order) == (1, 1, "a")
    await queues.ack(first)
    assert await queues.count("orders") == 0


async def test_one_that_was_settled_and_has_left_its_line(opened, until):
    """The next one has its turn, by whoever receives or sends."""
    queues = Lines(opened)
    for value in (1, 2, 3):
        await queues.send("orders", value, order="a")
    await remove(opened, "queue")
    await remove(opened, "wait")

    second = await received(queues, until)
    assert second.value == 2
    await remove(opened, "queue")
    await remove(opened, "wait")
    await queues.send("orders", 4, order="a")
    assert (await queues.receive("orders", wait=30))[0].value == 3


async def test_what_is_under_way_is_left_alone(opened, until):
    """A message that is lent is in the queue: however often one looks, it stays with its receiver."""
    queues, others = Lines(opened), Lines(opened)
    for value in (1, 2):
        await queues.send("orders", value, order="a")
    (first,) = await queues.receive("orders", lease=600)
    line = turns.Turns(opened, "orders")
    for _ in range(3):
        line._looked = 0.0
        await line.look()
        assert await others.receive("orders") == []
    await queues.ack(first)
    assert (await others.receive("orders"))[0].value == 2


async def test_a_line_that_is_used_no_more_leaves_nothing_but_its_turn_for_a_week(opened):
    queues = Lines(opened)
    await queues.send("orders", 1, order="a")
    (first,) = await queues.receive("orders")
    await queues.ack(first)
    state = (await opened.link.look(opened.stream(streams.QUEUES)))["state"]
    turn = await opened.last(streams.QUEUES, opened.subject("turn", "orders", names.token("a")))

    assert state["messages"] == 1
    assert 6 * 24 * 3600 < turn.until - opened.now() < 8 * 24 * 3600
