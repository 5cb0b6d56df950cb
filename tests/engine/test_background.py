"""Work in the background leaves the loop free, and ends with its result, its error, or with nobody who waits."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from octo.engine.background import PATIENCE, in_background
from octo.testing.clock import virtual


async def test_the_loop_turns_while_the_function_runs():
    turned = threading.Event()
    asyncio.get_running_loop().call_soon(turned.set)

    assert await in_background(turned.wait, 60)


async def test_the_function_gets_what_it_is_given():
    assert await in_background(int, "ff", base=16) == 255


async def test_a_process_ends_without_a_function_that_does_not():
    """Its thread is a daemon, with a name that says what it is for."""
    thread = await in_background(threading.current_thread)

    assert (thread.daemon, thread.name) == (True, "octo-background")


async def test_what_the_function_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        await in_background(divmod, 1, 0)


@pytest.fixture
def usual():
    """How often Python lets another thread run."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.004)
    yield pytest.approx(0.004)
    sys.setswitchinterval(before)


async def test_while_it_runs_the_loop_gets_its_turn_sooner_and_afterwards_as_before(usual):
    assert await in_background(sys.getswitchinterval) == pytest.approx(PATIENCE)
    assert sys.getswitchinterval() == usual


async def test_the_last_function_that_ends_lets_the_loop_have_its_turn_as_before(usual):
    first, second = threading.Event(), threading.Event()

    async with asyncio.TaskGroup() as tasks:
        for each in (first, second):
            tasks.create_task(in_background(each.wait, 60))
        await in_background(int)
        assert sys.getswitchinterval() == pytest.approx(PATIENCE)
        first.set()
        second.set()

    assert sys.getswitchinterval() == usual


async def test_a_caller_that_is_cancelled_does_not_wait_for_the_end():
    go_on, ended = threading.Event(), threading.Event()

    def work():
        go_on.wait(60)
        ended.set()

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(in_background(work))
        await asyncio.sleep(0)
        waiting.cancel()
    assert not ended.is_set()

    go_on.set()
    assert ended.wait(60)


@virtual()
async def test_virtual_time_stands_still_while_there_is_work_in_the_background():
    """If it went on, the deadline of a test would pass while its flows are compiled."""
    loop = asyncio.get_running_loop()
    go_on = threading.Event()
    real = threading.Timer(0.05, go_on.set)
    real.start()
    async with asyncio.timeout(30):
        assert await in_background(go_on.wait, 60)
    assert loop.time() == 0
    real.join()
