"""Lanes keep the order of each key, hold a bounded number of messages, and lose none."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.delivery import Delivery, Done, Idle, Reject, Retry
from octo.core.errors import Disconnected, Permanent, Transient
from octo.core.lanes import LEAVING, Lanes
from octo.core.message import Message
from octo.expr import ExprError
from octo.testing.clock import virtual

BUSY = Transient("busy")


class Broker:
    """Makes deliveries, and keeps how each was settled and which leases were renewed."""

    def __init__(self):
        self.settled = []
        self.extended = []

    def delivery(self, body, **how):
        async def settle(verdict):
            self.settled.append((body, type(verdict).__name__, getattr(verdict, "after", None)))

        async def extend():
            self.extended.append(body)

        return Delivery(Message(body), settle, extend=extend, lease=30.0, **how)

    def put(self, lanes, *bodies):
        for body in bodies:
            lanes.put(self.delivery(body))


def first(message):
    return message.body[0]


async def ready(lanes):
    """What may run now."""
    await asyncio.sleep(0)
    found = []
    while lanes._ready:
        found.append(await lanes.next())
    return found


def bodies(deliveries):
    return [each.message.body for each in deliveries]


async def done(delivery):
    await delivery.settle(Done(Message()))


@virtual()
async def test_without_a_key_all_run_at_once():
    broker = Broker()
    async with Lanes(8) as lanes:
        broker.put(lanes, "a1", "a2", "b1")
        found = await ready(lanes)
        await done(found[1])

        assert bodies(found) == ["a1", "a2", "b1"]
        assert broker.settled == [("a2", "Done", None)]


@virtual()
async def test_of_one_key_one_runs_at_a_time_in_order():
    broker = Broker()
    async with Lanes(8, key=first) as lanes:
        broker.put(lanes, "a1", "a2", "b1", "a3")
        a1, b1 = await ready(lanes)
        assert bodies([a1, b1]) == ["a1", "b1"]

        await done(a1)
        (a2,) = await ready(lanes)
        await a2.settle(Reject("no", Permanent("no")))
        (a3,) = await ready(lanes)
        assert bodies([a2, a3]) == ["a2", "a3"]
        for each in (a3, b1):
            await done(each)


@virtual()
async def test_what_is_tried_again_goes_before_what_came_later():
    """The broker does not hear of it until it is settled for good; the attempt counts on."""
    broker = Broker()
    async with Lanes(8, key=first, retries=True) as lanes:
        lanes.put(broker.delivery("a1", attempt=3))
        broker.put(lanes, "a2")
        (a1,) = await ready(lanes)
        await a1.settle(Retry(5.0, BUSY))
        assert await ready(lanes) == []

        await asyncio.sleep(5.0)
        (again,) = await ready(lanes)
        assert (again.message.body, again.attempt, broker.settled) == ("a1", 4, [])
        await done(again)
        (a2,) = await ready(lanes)
        await done(a2)
    assert [each[0] for each in broker.settled] == ["a1", "a2"]


@virtual()
async def test_without_retries_the_broker_is_told():
    broker = Broker()
    async with Lanes(8, key=first) as lanes:
        broker.put(lanes, "a1")
        (a1,) = await ready(lanes)
        await a1.settle(Retry(5.0, BUSY))
    assert broker.settled == [("a1", "Retry", 5.0)]


@virtual()
async def test_room_is_for_so_many_whether_they_wait_rest_or_run():
    broker = Broker()
    async with Lanes(3, key=first, retries=True) as lanes, asyncio.TaskGroup() as tasks:
        assert await lanes.room() == 3
        broker.put(lanes, "a1", "a2", "b1")
        a1, b1 = await ready(lanes)
        await a1.settle(Retry(5.0, BUSY))
        waiting = tasks.create_task(lanes.room())
        await asyncio.sleep(1)
        assert not waiting.done()

        await done(b1)
        assert await waiting == 1


@virtual()
async def test_leaving_gives_back_what_waits_and_rests_in_order():
    broker = Broker()
    async with Lanes(8, key=first, retries=True) as lanes:
        broker.put(lanes, "a1", "a2", "b1")
        a1, b1 = await ready(lanes)
        await a1.settle(Retry(5.0, BUSY))
        await done(b1)
        broker.put(lanes, "c1")
    assert broker.settled == [("b1", "Done", None), ("a1", "Retry", 0.0), ("a2", "Retry", 0.0), ("c1", "Retry", 0.0)]


@virtual()
async def test_what_is_under_way_is_settled_after_leaving():
    broker = Broker()
    async with Lanes(8) as lanes:
        broker.put(lanes, "a1")
        (a1,) = await ready(lanes)
    await a1.settle(Retry(5.0, BUSY))
    assert broker.settled == [("a1", "Retry", 5.0)]


@virtual()
@pytest.mark.parametrize(("takes", "waits"), [(2.0, 2.0), (60.0, LEAVING)])
async def test_with_a_key_leaving_waits_a_while_for_what_is_under_way(takes, waits):
    """So that the source after a reload does not run a message beside the one before it."""
    broker, loop = Broker(), asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        async with Lanes(8, key=first) as lanes:
            broker.put(lanes, "a1")
            (a1,) = await ready(lanes)
            loop.call_later(takes, lambda: tasks.create_task(done(a1)))
            began = loop.time()
        assert loop.time() - began == pytest.approx(waits)
        await asyncio.sleep(takes)
    assert broker.settled == [("a1", "Done", None)]


@virtual()
async def test_leases_are_renewed_of_what_waits_alone():
    broker = Broker()
    async with Lanes(8, key=first, retries=True) as lanes:
        lanes.begin(lanes.extend(10.0))
        broker.put(lanes, "a1", "a2", "b1")
        a1, b1 = await ready(lanes)
        await b1.settle(Retry(25.0, BUSY))
        await asyncio.sleep(21.0)
        assert broker.extended == ["a2", "b1"] * 2
        await done(a1)


@virtual()
async def test_an_error_of_the_reader_ends_the_source_after_what_is_ready():
    broker = Broker()

    async def read():
        broker.put(lanes, "a1")
        raise Disconnected("gone")

    async with Lanes(8) as lanes:
        lanes.begin(read())
        assert (await lanes.next()).message.body == "a1"
        with pytest.raises(Disconnected):
            await lanes.next()


@virtual()
async def test_a_sign_of_life_is_idle():
    async with Lanes(8) as lanes:
        asyncio.get_running_loop().call_later(3, lanes.alive)
        assert await lanes.next() == Idle()


@virtual()
async def test_a_key_that_cannot_be_evaluated_makes_its_message_unfit():
    def broken(_):
        raise ExprError("OCTO-E303", "no such key: a")

    broker = Broker()
    async with Lanes(8, key=broken) as lanes:
        broker.put(lanes, "a1", "a2")
        found = await ready(lanes)
        assert [str(each.unfit) for each in found] == ["its key: no such key: a"] * 2
        for each in found:
            await done(each)


@virtual()
async def test_cancelling_the_reader_of_the_source_leaves_nothing_behind():
    broker = Broker()

    async def source():
        async with Lanes(8) as lanes:
            lanes.begin(asyncio.Event().wait())
            broker.put(lanes, "a1")
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(source())
        await asyncio.sleep(1)
        reading.cancel()
    assert broker.settled == [("a1", "Retry", 0.0)]
