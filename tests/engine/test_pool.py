"""A pool bounds concurrency and never deadlocks."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine.pool import Pool


class Gauge:
    def __init__(self):
        self.now = self.most = 0

    async def work(self, number):
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        return Message(number)


def test_calls_that_do_not_wait_are_gathered_at_once():
    outcomes = Pool(2).gather([partial(Message, n) for n in range(3)])

    assert [each.body for each in outcomes] == [0, 1, 2]


async def test_outcomes_keep_their_order():
    gauge = Gauge()
    calls = [partial(gauge.work, n) if n % 2 else partial(Message, n) for n in range(20)]

    outcomes = await Pool(8).gather(calls)

    assert list(range(20)) == [each.body for each in outcomes]


@pytest.mark.parametrize(("size", "limit", "most"), [(100, None, 20), (100, 3, 3), (2, None, 3), (0, None, 1)])
async def test_concurrency_is_the_callers_task_and_what_the_pool_has(size, limit, most):
    gauge = Gauge()
    pool = Pool(size)

    await pool.gather([partial(gauge.work, n) for n in range(20)], limit)

    assert gauge.most == most
    assert pool.free == size


async def test_deeply_nested_gathers_finish_in_an_empty_pool():
    pool = Pool(1)

    async def nest(depth):
        await asyncio.sleep(0)
        if depth:
            await pool.gather([partial(nest, depth - 1), partial(nest, depth - 1)])
        return Message(depth)

    async with asyncio.timeout(10):
        await pool.gather([partial(nest, 6)] * 2)

    assert pool.free == 1


async def test_the_first_error_cancels_the_rest_and_is_raised_itself():
    cancelled = []

    async def forever():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    async def fail():
        await asyncio.sleep(0)
        raise Failure(ValueError("first"), "x", "x", Message())

    pool = Pool(8)
    with pytest.raises(Failure, match="first"):
        await pool.gather([forever, fail, forever])

    assert len(cancelled) == 2
    assert pool.free == 8
