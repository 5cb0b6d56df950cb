"""The kill loop ends lives between all declared steps, and judges them by the declared guarantee."""

from __future__ import annotations

import pytest

from tests.chaos.loop import Loop
from tests.chaos.steps import BETWEEN, declared
from tests.chaos.test_kills import points_of
from tests.chaos.workloads import JOURNAL, POINTS, WORKLOADS

WITH_SOURCE = [name for name in WORKLOADS if declared(WORKLOADS[name].flow) is not None]


@pytest.mark.parametrize("name", WITH_SOURCE)
def test_there_is_a_kill_between_each_two_declared_steps(name):
    """Of the source, and of the blocks that send to it."""
    found = declared(WORKLOADS[name].flow)
    assert found is not None
    assert [pair for pair in found.pairs if not {*BETWEEN[pair]} & points_of(name).keys()] == []


def test_all_steps_that_are_exercised_are_known():
    assert {pair for name in WITH_SOURCE for pair in declared(WORKLOADS[name].flow).pairs} <= BETWEEN.keys()
    assert {point for points in BETWEEN.values() for point in points} <= {*POINTS, *JOURNAL}


@pytest.mark.parametrize("name", WITH_SOURCE)
def test_the_verdict_follows_from_the_declared_guarantee(name, tmp_path):
    """At least once: nothing may be lost. At most once: what was under way may be, and nothing may come again."""
    workload, kills = WORKLOADS[name], 3
    limits = Loop(workload, "", tmp_path / "loop", 0, None).limits(kills)  # type: ignore[arg-type]
    guarantee = declared(workload.flow).guarantee
    if guarantee == "at most once":
        assert (limits.lost, limits.repeated) == (kills * workload.in_flight, 0)
    else:
        assert limits.lost == 0
        assert limits.repeated >= kills * workload.in_flight
