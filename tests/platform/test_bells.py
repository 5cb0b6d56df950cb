"""No ring is lost, and a waiter that is cancelled ends."""

from __future__ import annotations

import asyncio

import pytest

from octo_platform.bells import Bells


async def test_a_ring_before_the_wait_is_not_lost():
    bells = Bells()
    known = bells.count("a")
    bells.ring("a")
    assert await bells.wait("a", known, 60) == 1


async def test_a_ring_wakes_all_who_wait_for_the_topic():
    bells = Bells()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(bells.wait("a", 0, 60)) for _ in range(3)]
        other = group.create_task(bells.wait("b", 0, 60))
        await asyncio.sleep(0)
        bells.ring("a")
        assert [await each for each in waiting] == [1, 1, 1]
        assert not other.done()
        other.cancel()


async def test_without_a_ring_it_returns_in_time():
    assert await Bells().wait("a", 0, 0.01) == 0


async def test_a_ring_and_a_cancellation_at_once_end_the_waiter():
    bells = Bells()
    task = asyncio.get_running_loop().create_task(bells.wait("a", 0, 60))
    await asyncio.sleep(0)
    bells.ring("a")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bells._waiting == {}
