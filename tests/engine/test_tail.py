"""The rest of a flow runs under the flow's permits, and gives each back once."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.message import Message
from octo.engine.events import Bus
from octo.engine.flow import Flow
from octo.engine.tail import Tail
from octo.testing.clock import virtual


def tail_of(tasks, process, workers=2):
    flow = Flow("f", workers=workers, buffer=1, bus=Bus(), spawn=tasks.create_task)
    tail = Tail(flow)
    tail.process = process
    return flow, tail


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
