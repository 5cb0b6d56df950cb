"""A delivery waits for its elements, and for theirs."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Transient
from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine import elements
from octo.engine.elements import Elements
from octo.testing.clock import virtual


@virtual()
async def test_it_waits_for_elements_that_are_added_while_it_waits():
    waiting, ended = Elements(), []

    async with asyncio.TaskGroup() as tasks:

        async def one(number):
            await asyncio.sleep(1)
            if number < 3:
                waiting.add(tasks.create_task(one(number + 1)))
            ended.append(number)

        waiting.add(tasks.create_task(one(1)))
        await waiting.finished()

    assert ended == [1, 2, 3]


@virtual()
async def test_the_first_failure_is_raised_once_all_have_ended():
    waiting = Elements()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(asyncio.sleep(5))
        waiting.add(task)
        for cause in (KeyError("one"), KeyError("two")):
            waiting.failed(Failure(cause, "b", "f.b", Message()))
        with pytest.raises(Failure, match="one"):
            await waiting.finished()
        assert task.done()


@virtual()
async def test_one_that_was_cancelled_may_be_tried_again():
    waiting = Elements()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(asyncio.sleep(5))
        waiting.add(task)
        task.cancel()
        await waiting.ended()
        with pytest.raises(Transient, match="before all elements had finished"):
            await waiting.finished()


async def test_a_task_that_leaves_works_for_nobody():
    assert elements.current() is None
    found = elements.gather()
    assert elements.current() is found
    elements.leave()
    assert elements.current() is None
