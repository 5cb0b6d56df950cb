"""The port's thread works even while flows keep all other threads busy."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from octo.operations.thread import in_store_thread, in_thread


async def test_it_runs_while_the_loop_s_own_threads_are_busy():
    busy = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    blocked = loop.run_in_executor(None, busy.wait)

    assert await in_thread(int, "7") == 7

    busy.set()
    await blocked


async def test_errors_come_back():
    with pytest.raises(ValueError, match="invalid literal"):
        await in_thread(int, "seven")


async def test_a_store_that_hangs_does_not_hold_up_metrics():
    """However many requests wait for it."""
    hangs = threading.Event()
    async with asyncio.TaskGroup() as group:
        reading = [group.create_task(in_store_thread(hangs.wait)) for _ in range(9)]
        await asyncio.sleep(0)
        assert await in_thread(int, "7") == 7
        hangs.set()
    assert [each.result() for each in reading] == [True] * 9
