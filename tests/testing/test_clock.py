"""Virtual time is real asyncio without the waiting."""

import asyncio
import socket
import threading
import time

import pytest

from octo.core.clock import stopped
from octo.testing import clock
from octo.testing.clock import run, settle, shift_wall, virtual


def test_an_hour_passes_in_no_time():
    """Sleeping costs no real time (or this test hangs), and the loop's clock shows it all the same."""

    async def sleep_an_hour():
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run(sleep_an_hour()) == pytest.approx(3600)


@virtual(start="2026-03-29T02:30:00.123456789+02:00")
async def test_time_begins_at_the_very_nanosecond():
    assert asyncio.get_running_loop().wall_ns() == 1_774_744_200_123_456_789


@virtual(start="2026-03-29T00:30:00Z")
async def test_wall_time_moves_with_the_timers():
    """`wall_ns` begins at `start` and advances by exactly the time slept."""
    loop = asyncio.get_running_loop()
    assert loop.wall_ns() == 1_774_744_200_000_000_000
    await asyncio.sleep(0.25)
    assert loop.wall_ns() == 1_774_744_200_250_000_000


@virtual()
async def test_timers_fire_in_the_order_of_their_time():
    """The timer that is due first runs first, in whatever order the tasks were started."""
    order = []

    async def after(seconds):
        await asyncio.sleep(seconds)
        order.append(seconds)

    async with asyncio.TaskGroup() as group:
        for seconds in (3, 1, 2, 0.5):
            group.create_task(after(seconds))
    assert order == [0.5, 1, 2, 3]


@virtual()
async def test_a_deadline_passes_at_its_time():
    """`asyncio.timeout` cancels work that takes longer, and the clock shows the deadline."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await asyncio.Event().wait()
    assert asyncio.get_running_loop().time() == pytest.approx(30)


@virtual()
async def test_time_waits_for_threads():
    """A deadline does not pass while a thread works, although virtual time could jump to it at once."""
    async with asyncio.timeout(0.001):
        assert await asyncio.to_thread(lambda: time.sleep(0.05) or "done") == "done"


@virtual()
async def test_the_wall_can_be_set_while_timers_go_on():
    """Setting the wall clock moves `wall_ns`, never a timer."""
    loop = asyncio.get_running_loop()
    before = loop.wall_ns()
    shift_wall(-3600)
    await asyncio.sleep(1)
    assert loop.wall_ns() - before == -3599 * 10**9
    assert loop.time() == pytest.approx(1)


@virtual()
async def test_settle_runs_what_is_ready_and_no_timer():
    """After `settle`, everything that needs no time has happened, and no time has passed."""
    seen = []

    async def count():
        for number in range(20):
            seen.append(number)
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        seen.append("late")

    async with asyncio.TaskGroup() as group:
        group.create_task(count())
        await settle()
        assert seen == list(range(20))
        assert asyncio.get_running_loop().time() == 0


def test_a_deadlock_is_named_instead_of_hanging(monkeypatch):
    """When no task can go on, the test fails, and the error says which task waits where."""
    monkeypatch.setattr(clock, "_STUCK_AFTER", 0.05)

    async def wait_for_ever():
        asyncio.current_task().set_name("stuck one")
        await asyncio.Event().wait()

    with pytest.raises(clock.Stuck, match=r"stuck one waits at .*test_clock\.py"):
        run(wait_for_ever())


@virtual()
async def test_small_steps_add_up_without_drift():
    """A million steps add up to the nanosecond: cron at the end of a long test is not late."""
    loop = asyncio.get_running_loop()
    before = loop.wall_ns()
    for _ in range(1000):
        await asyncio.sleep(0.1)
    assert loop.wall_ns() - before == 100 * 10**9


async def test_outside_of_virtual_time_the_tools_say_so():
    """In a real loop `settle` and `shift_wall` raise, instead of doing nothing."""
    with pytest.raises(TypeError, match="@virtual"):
        await settle()
    with pytest.raises(TypeError, match="@virtual"):
        shift_wall(1)


@virtual()
async def test_time_stands_still_while_something_outside_is_waited_for():
    """No timer fires before it has come, although nothing else can run."""
    here, there = socket.socketpair()
    with here, there, stopped():
        here.setblocking(False)
        threading.Timer(0.01, there.send, (b"!",)).start()
        async with asyncio.timeout(3600):
            assert await asyncio.get_running_loop().sock_recv(here, 1) == b"!"

    assert asyncio.get_running_loop().time() < 1


async def test_real_time_goes_on():
    with stopped():
        await asyncio.sleep(0)
