"""The tasks of a generation: work under way is cancelled first, settling a little later."""

from __future__ import annotations

import asyncio

from octo.engine.work import Work
from octo.testing.clock import virtual


async def hold(notes, name, work, takes=1000.0):
    try:
        await asyncio.sleep(takes)
    except asyncio.CancelledError:
        notes.append((name, asyncio.get_running_loop().time()))
        raise


@virtual()
async def test_it_is_finished_when_the_last_has_ended_also_one_that_began_meanwhile():
    async with asyncio.TaskGroup() as tasks:
        work = Work(tasks)

        async def begin_another():
            await asyncio.sleep(5)
            work.spawn(asyncio.sleep(7))

        work.spawn(begin_another())
        assert len(work) == 1
        await work.finished()

        assert asyncio.get_running_loop().time() == 12
        assert len(work) == 0


@virtual()
async def test_a_cut_leaves_time_to_settle():
    notes = []

    async def settle(work):
        work.settle()
        await hold(notes, "settling", work)

    async with asyncio.TaskGroup() as tasks:
        work = Work(tasks)
        work.spawn(hold(notes, "working", work))
        work.spawn(settle(work))
        await asyncio.sleep(1)
        await work.cut(3)
        await work.finished()

    assert notes == [("working", 1), ("settling", 4)]


@virtual()
async def test_who_begins_to_settle_after_the_cut_can_do_what_takes_no_time():
    """Work that does not end when it is cancelled must not keep the process alive for ever."""
    notes = []

    async def stubborn(work):
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            await asyncio.sleep(10)
        work.settle()
        notes.append("told")
        await asyncio.sleep(1000)
        notes.append("never")

    async with asyncio.TaskGroup() as tasks:
        work = Work(tasks)
        work.spawn(stubborn(work))
        await asyncio.sleep(1)
        await work.cut(3)
        await work.finished()

    assert (notes, asyncio.get_running_loop().time()) == (["told"], 11)
