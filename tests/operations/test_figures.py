"""The lag of the event loop is measured; what the process uses is read from the system."""

from __future__ import annotations

import asyncio

from octo.operations import figures
from octo.operations.figures import EVERY, RECENT, Lag, memory, process
from octo.testing.clock import virtual


class Clock:
    """A clock that is ahead of the loop's clock by the time spent computing."""

    def __init__(self):
        self.computed = 0.0

    def __call__(self):
        return asyncio.get_running_loop().time() + self.computed


def worst(lag):
    return lag.snapshot()["octo_event_loop_lag_max_seconds"][0][1]


@virtual()
async def test_a_loop_that_is_kept_busy_lags():
    clock = Clock()
    lag = Lag(clock)
    lag.start()
    await asyncio.sleep(EVERY * 2)
    assert worst(lag) < 0.001

    clock.computed = 0.7
    await asyncio.sleep(EVERY)

    assert round(worst(lag), 3) == 0.7
    counts = lag.snapshot()["octo_event_loop_lag_seconds"][0][1]["counts"]
    assert sum(counts) == 3
    lag.stop()


@virtual()
async def test_the_worst_lag_is_forgotten_after_a_while():
    clock = Clock()
    lag = Lag(clock)
    lag.start()
    clock.computed = 0.7
    await asyncio.sleep(EVERY * 2)

    await asyncio.sleep(RECENT)

    assert worst(lag) < 0.001
    lag.stop()


@virtual()
async def test_nothing_is_measured_once_stopped():
    lag = Lag()
    lag.start()
    lag.stop()

    await asyncio.sleep(60)

    assert lag.snapshot()["octo_event_loop_lag_seconds"][0][1]["sum"] == 0


def test_the_process_tells_what_it_is_and_uses():
    found = {name: series[0][1] for name, series in process().items()}

    assert found["process_open_fds"] > 2
    assert found["process_cpu_seconds_total"] > 0
    assert 1_000_000 < memory() < 10_000_000_000
    assert found["octo_processes"] == found["octo_build_info"] == 1


def test_the_uptime_counts_from_the_start(monkeypatch):
    monkeypatch.setattr(figures, "_BORN_AT", figures.time.monotonic() - 100)

    assert figures.uptime() >= 100
