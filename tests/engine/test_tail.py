"""The rest of a flow runs under the flow's permits, and gives each back once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from octo.core.budget import Meter, metered, meters
from octo.core.message import Message
from octo.engine.events import Bus
from octo.engine.flow import Flow
from octo.engine.tail import Tail
from octo.testing.clock import virtual


def tail_of(tasks, process, workers=2):
    flow = Flow("f", workers=workers, buffer=1, bus=Bus(), spawn=tasks.create_task)
    flow.tails["f.b"] = process
    return flow, Tail(flow, "f.b")


async def slowly(message):
    await asyncio.sleep(1)
    return message


@virtual()
async def test_without_a_free_permit_it_runs_before_it_returns():
    async with asyncio.TaskGroup() as tasks:
        flow, tail = tail_of(tasks, slowly, workers=2)
        assert flow.take(), "the message that came"
        group = tail.group()
        await group.run(Message(1))
        assert asyncio.get_running_loop().time() == pytest.approx(0, abs=0.5)
        await group.run(Message(2))
        assert asyncio.get_running_loop().time() == pytest.approx(1, abs=0.5)
        flow.give_back()
    assert flow.in_flight == 0


@virtual()
@pytest.mark.parametrize("workers", [1, 2])
async def test_it_has_no_part_in_the_budget_of_the_message_that_came(workers):
    """Whether or not a permit is free: each message has a budget of its own."""
    seen = []

    async def spends(message):
        seen.append(meters())
        return message

    async with asyncio.TaskGroup() as tasks:
        flow, tail = tail_of(tasks, spends, workers)
        assert flow.take(), "the message that came"
        with metered(Meter(None, "the message that came")):
            await tail.group().run(Message(1))
        flow.give_back()
    assert seen == [()]


@virtual()
async def test_a_task_that_is_cancelled_before_it_begins_gives_its_permit_back():
    async with asyncio.TaskGroup() as tasks:
        begun = []
        flow, tail = tail_of(tasks, slowly)
        flow.spawn = lambda work: begun.append(tasks.create_task(work)) or begun[-1]
        await tail.group().run(Message(1))
        begun[0].cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert flow.in_flight == 0


@virtual()
async def test_what_runs_in_place_of_its_caller_is_cancelled_with_it():
    async with asyncio.TaskGroup() as tasks:
        flow, tail = tail_of(tasks, slowly, workers=1)
        assert flow.take()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await tail.group().run(Message(1))
        flow.give_back()
        await asyncio.sleep(0)
        assert (flow.in_flight, flow.cancel()) == (0, 0)


@virtual()
async def test_who_has_no_worker_waits_for_one():
    async with asyncio.TaskGroup() as tasks:
        flow, tail = tail_of(tasks, slowly, workers=1)
        group = tail.group(is_worker=False)
        await group.run(Message(1))
        await group.run(Message(2))
        assert asyncio.get_running_loop().time() == pytest.approx(1, abs=0.5)
        assert flow.in_flight == 1
    assert flow.in_flight == 0


@virtual()
@pytest.mark.parametrize("is_taken", [False, True])
async def test_what_is_around_a_message_sees_its_end(is_taken):
    seen = []

    @asynccontextmanager
    async def around():
        seen.append("begin")
        try:
            yield
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        seen.append("end")

    async with asyncio.TaskGroup() as tasks:
        flow, tail = tail_of(tasks, slowly, workers=1)
        if is_taken:
            assert flow.take()
        await tail.group().run(Message(1), around())
        await asyncio.sleep(2)
        assert seen == ["begin", "end"]
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await tail.group().run(Message(1), around())
                await asyncio.sleep(0.2)
                flow.cancel()
        await asyncio.sleep(0)
        assert seen[2:] == ["begin", "cancelled"]
        if is_taken:
            flow.give_back()
        await asyncio.sleep(0)
        assert flow.in_flight == 0
