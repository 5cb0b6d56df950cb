"""Calls that come while one is under way go together in the next."""

from __future__ import annotations

import asyncio

import pytest

from octo.services.grouping import BYTES, MOST, Grouped
from octo.testing.clock import virtual


class Server:
    """Doubles numbers, a group per second; odd ones above 100 are refused, and 7 brings it down."""

    def __init__(self):
        self.groups = []

    async def double(self, numbers):
        self.groups.append(list(numbers))
        await asyncio.sleep(1)
        if 7 in numbers:
            raise OSError("down")
        return [ValueError(number) if number > 100 and number % 2 else number * 2 for number in numbers]


@pytest.fixture
def server():
    return Server()


@virtual()
async def test_the_first_goes_at_once_and_the_others_together(server):
    async with asyncio.TaskGroup() as tasks:
        calls = Grouped(tasks, server.double)
        found = await asyncio.gather(*(calls.ask(number) for number in (1, 2, 3)))
        again = await calls.ask(4)

    assert (found, again) == ([2, 4, 6], 8)
    assert server.groups == [[1, 2, 3], [4]]


@virtual()
async def test_each_gets_its_own_result(server):
    """An error of one is not one of the others; an error of the group is one of each, and the next group succeeds."""
    async with asyncio.TaskGroup() as tasks:
        calls = Grouped(tasks, server.double)
        first = await asyncio.gather(calls.ask(101), calls.ask(2), return_exceptions=True)
        second = await asyncio.gather(calls.ask(7), calls.ask(2), return_exceptions=True)
        third = await calls.ask(2)

    assert (type(first[0]), first[1]) == (ValueError, 4)
    assert [type(each) for each in second] == [OSError, OSError]
    assert third == 4


@virtual()
async def test_a_caller_that_is_cancelled_stops_nobody(server):
    async with asyncio.TaskGroup() as tasks:
        calls = Grouped(tasks, server.double)
        gone, stays = calls.ask(1), calls.ask(2)
        await asyncio.sleep(0.5)
        gone.cancel()

        assert await stays == 4
    assert calls.is_idle


@virtual()
async def test_groups_are_bounded_in_calls_and_bytes(server):
    async with asyncio.TaskGroup() as tasks:
        calls = Grouped(tasks, server.double)
        await asyncio.gather(*(calls.ask(2) for _ in range(MOST + 1)))
        await asyncio.gather(*(calls.ask(2, BYTES // 2) for _ in range(3)), calls.ask(2, BYTES * 2))

    assert [len(group) for group in server.groups] == [MOST, 1, 2, 1, 1]


@virtual()
async def test_nobody_waits_for_ever_when_the_tasks_end(server):
    asked = []

    async def serve():
        async with asyncio.TaskGroup() as tasks:
            calls = Grouped(tasks, server.double)
            asked.extend(calls.ask(number) for number in range(3))
            await asyncio.sleep(0.5)
            asked.append(calls.ask(3))
            raise ValueError("the end")

    with pytest.raises(ExceptionGroup):
        await serve()

    assert [each.cancelled() for each in asked] == [True] * 4
