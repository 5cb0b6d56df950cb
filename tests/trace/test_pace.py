"""The writer takes the processor time that the flows leave."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest

from octo.trace.pace import LEAST, Pace, busy, share


@pytest.mark.parametrize(("others", "left"), [(0.0, 0.9), (0.5, 0.4), (0.95, LEAST), (3.0, LEAST)])
def test_what_others_use_is_theirs(others, left):
    assert share(others) == pytest.approx(left)


def test_own_work_does_not_count_as_that_of_others():
    assert busy(wall=2.0, process=1.5, worked=0.5, stretched=0.5) == 0.5
    assert busy(wall=1.0, process=0.4, worked=0.5, stretched=0.5) == 0.0


def test_who_is_kept_waiting_is_not_alone_however_little_the_process_may_use():
    assert busy(wall=2.0, process=0.2, worked=0.1, stretched=1.0) == 0.9
    assert busy(wall=2.0, process=0.0, worked=0.0, stretched=0.0) == 0.0


def test_who_did_nothing_need_not_rest_long():
    pace = Pace()
    pace.begin()

    assert 0.0 <= pace.rest() < 1.0


@pytest.fixture
def clocks(monkeypatch):
    """The clocks of the writer's thread, set by hand: wall, process, thread."""
    now = {"perf_counter": 0.0, "process_time": 0.0, "thread_time": 0.0}
    monkeypatch.setattr("octo.trace.pace.time", SimpleNamespace(**{name: partial(now.get, name) for name in now}))
    return now


def test_what_the_sinks_do_is_rested_for_too(clocks):
    """At least: a quarter of the time for both together, where the flows use three quarters less the spare."""
    pace = Pace()
    pace.begin()
    clocks |= {"perf_counter": 1.0, "process_time": 0.75, "thread_time": 0.05}

    rest = pace.rest(spent=0.05)

    others = 0.75 - 0.05 - 0.05
    assert rest == pytest.approx(0.1 / share(max(others, 0.95)) - 0.1)


def test_the_work_of_the_sinks_counts_once(clocks):
    pace = Pace()
    pace.rest(spent=5.0)
    pace.begin()

    assert pace.rest(spent=5.0) == 0.0
