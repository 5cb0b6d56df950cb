"""throttle lets messages pass at most at a rate."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, strategies as st

from octo.core.errors import ConfigError, Overloaded
from octo.core.flow import Failure
from octo.services.container import Services
from octo.services.embedded import in_file
from octo.testing import running
from octo.testing.clock import run, shift_wall, virtual

FLOW = "flows: [{name: f, process: [{type: throttle, rate: RATE, MORE}]}]"


def flow(rate="10/s", more=""):
    return FLOW.replace("RATE", rate).replace("MORE", more)


async def times(app, count, body=None):
    """When each of so many messages that come at once has passed; None for one that was refused."""
    now = asyncio.get_running_loop().time
    began = now()

    async def one():
        try:
            await app.call("f", body)
        except Failure as failure:
            return None if isinstance(failure.cause, Overloaded) else failure
        return round(now() - began, 6)

    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(one()) for _ in range(count)]
    return [call.result() for call in calls]


@virtual()
async def test_messages_are_spread_evenly():
    async with running(flow()) as app:
        assert await times(app, 5) == [0.0, 0.1, 0.2, 0.3, 0.4]


@virtual()
async def test_after_a_pause_some_may_pass_at_once():
    async with running(flow(more="burst: 3")) as app:
        assert await times(app, 5) == [0.0, 0.0, 0.0, 0.1, 0.2]
        await asyncio.sleep(10)
        assert await times(app, 4) == [0.0, 0.0, 0.0, 0.1]


@virtual()
async def test_who_would_wait_too_long_is_told_when_to_come_back():
    async with running(flow("1/m", "wait: 60s")) as app:
        assert await times(app, 3) == [0.0, 60.0, None]
        with pytest.raises(Failure, match="the rate of 1 in 60s is used up") as caught:
            await app.call("f", timeout=30)

    assert caught.value.cause.retry_after == 60


@virtual()
async def test_keys_do_not_slow_each_other_down():
    async with running(flow("1/s", "key: body.k")) as app:
        assert await times(app, 2, {"k": "a"}) == [0.0, 1.0]
        assert await times(app, 2, {"k": "b"}) == [0.0, 1.0]


@virtual()
async def test_processes_share_the_rate_when_asked(tmp_path):
    one, two = (Services(in_file(tmp_path / "octo.db")) for _ in range(2))
    text = flow("10/s", "shared: true")
    async with one, two, running(text, services=one) as first, running(text, services=two) as second:
        found = await asyncio.gather(times(first, 10), times(second, 10))

    assert sorted(round(each, 1) for part in found for each in part) == [round(n / 10, 1) for n in range(20)]


@virtual()
async def test_many_messages_of_one_process_do_not_get_in_the_way_of_one_another(tmp_path):
    """With versions alone, most of them would give up."""
    services = Services(in_file(tmp_path / "octo.db"))
    async with services, running(flow("100/s", "shared: true"), services=services) as app:
        found = await times(app, 50)

    assert [round(each, 2) for each in found] == [round(n / 100, 2) for n in range(50)]


@virtual()
async def test_a_clock_that_goes_back_holds_nobody_up():
    """Else nothing would pass until it is as late as before."""
    async with running(flow("10/s", "shared: true")) as app:
        assert await times(app, 3) == [0.0, 0.1, 0.2]
        shift_wall(-3600)
        assert await times(app, 3) == [0.0, 0.1, 0.2]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=40), st.integers(1, 5))
def test_no_window_has_more_than_rate_and_burst_allow(pauses, burst):
    """Whenever messages come: in every window of a second at most the rate and the burst pass."""

    async def passed():
        found = []

        async def one(app):
            await app.call("f")
            found.append(asyncio.get_running_loop().time())

        async with running(flow("4/s", f"burst: {burst}, wait: 1h")) as app, asyncio.TaskGroup() as tasks:
            for pause in pauses:
                await asyncio.sleep(pause if pause > 2 else 0)
                tasks.create_task(one(app))
        return sorted(found)

    found = run(passed())
    assert len(found) == len(pauses)
    assert all(sum(at <= each < at + 1 for each in found) <= 4 + burst for at in found)


@pytest.mark.parametrize("rate", ["10", "0/s", "10/x", "-1/s", "ten/s"])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(ConfigError, match=r"not a rate; write e\.g\. 100/s"):
        run(_open(flow(rate)))


async def _open(text):
    async with running(text):
        pass
