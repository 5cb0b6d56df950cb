"""The kill loop ends lives between all declared steps, and judges them by the declared guarantee."""

from __future__ import annotations

import pytest

from tests.chaos import brokered, test_kafka
from tests.chaos.loop import Loop
from tests.chaos.steps import BETWEEN, declared
from tests.chaos.test_kills import points_of
from tests.chaos.workloads import CONFIRMED, JOURNAL, POINTS, WORKLOADS

WITH_SOURCE = [name for name in WORKLOADS if declared(WORKLOADS[name].flow) is not None]


EXERCISED = [
    *(pytest.param(WORKLOADS[name].flow, points_of(name), id=name) for name in WITH_SOURCE),
    *(pytest.param(each.flow, brokered.POINTS, id=each.name) for each in brokered.WORKLOADS.values()),
    pytest.param(test_kafka.flow("a:1", "pairs"), test_kafka.POINTS_OF_KAFKA, id="kafka"),
]


@pytest.mark.parametrize(("flow", "points"), EXERCISED)
def test_there_is_a_kill_between_each_two_declared_steps(flow, points):
    """Of the source, and of the blocks that send to it."""
    found = declared(flow)
    assert found is not None
    assert [pair for pair in found.pairs if not {*BETWEEN[pair]} & {*points}] == []


def test_all_steps_that_are_exercised_are_known():
    assert {pair for name in WITH_SOURCE for pair in declared(WORKLOADS[name].flow).pairs} <= BETWEEN.keys()
    assert {point for points in BETWEEN.values() for point in points} <= {*POINTS, *JOURNAL, CONFIRMED}


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
