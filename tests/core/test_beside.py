"""Work beside other work ends with it, and its error ends it."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.beside import beside
from octo.testing.clock import virtual


async def forever(ended):
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("work")


async def failing():
    await asyncio.sleep(5)
    raise LookupError("lost")


@virtual()
async def test_leaving_cancels_the_work():
    ended = []
    async with beside(forever(ended)):
        await asyncio.sleep(1)

    assert ended == ["work"]


@virtual()
async def test_an_error_of_the_body_is_raised_as_itself():
    ended = []

    async def run():
        async with beside(forever(ended)):
            await asyncio.sleep(1)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await run()
    assert ended == ["work"]


@virtual()
async def test_an_error_of_the_work_cancels_the_body():
    async def run():
        async with beside(failing()):
            await asyncio.sleep(60)

    with pytest.raises(LookupError, match="lost"):
        await run()
    assert asyncio.get_running_loop().time() == 5


@virtual()
async def test_who_is_cancelled_is_cancelled():
    ended = []

    async def run():
        async with beside(forever(ended)):
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run())
        await asyncio.sleep(1)
        task.cancel()

    assert (task.cancelled(), ended) == (True, ["work"])
