"""The kill loop, briefly: a life is killed at each point once. `make chaos` does it a thousand times.

The promise: what was acknowledged arrives, nothing arrives that nobody sent, no effect is torn, and only what was under
way comes again. Where a flow declares `at most once`, what was under way may be lost instead, and nothing comes again.
"""

from __future__ import annotations

import pytest

from tests.chaos.loop import RANDOM, Loop
from tests.chaos.workloads import JOURNAL, POINTS, WORKLOADS

SLOW = ("after the effect", "between blocks", "before the acknowledgement", "after a commit")
"""Where it matters that `lock` and `idempotent` are around; each life waits for the lease of the one before."""


ASKED = tuple(point for point in POINTS if point not in {"before it is sent", "after it is sent"})
"""The points that a message passes whose sender waits for the reply: that is asked for with the sending."""

SEEN = ("before the effect", "after the effect", "between blocks", "before a commit", "after a commit")
"""The points that a message passes which no source delivers."""


KILLED = [
    ("queue", (*POINTS, RANDOM), "sqlite"),
    ("queue", (*POINTS, RANDOM), "postgresql"),
    ("asked", (*ASKED, RANDOM), "sqlite"),
    ("asked", (*ASKED, RANDOM), "postgresql"),
    ("memory", (*POINTS, RANDOM), "sqlite"),
    ("events", (*POINTS, RANDOM), "sqlite"),
    ("events", (*POINTS, RANDOM), "postgresql"),
    ("queue", (*POINTS, RANDOM), "redis"),
    ("events", (*POINTS, RANDOM), "redis"),
    ("queue", (*POINTS, RANDOM), "nats"),
    ("events", (*POINTS, RANDOM), "nats"),
    ("order", POINTS, "sqlite"),
    ("order", POINTS, "postgresql"),
    ("order", POINTS, "nats"),
    ("guarded", SLOW, "sqlite"),
    ("journal", (*POINTS, *JOURNAL, RANDOM), "sqlite"),
    ("journal", (*SEEN, *JOURNAL), "postgresql"),
    ("accepted", (*SEEN, *JOURNAL), "sqlite"),
    ("accepted", (*SEEN, RANDOM), "postgresql"),
]
"""Workload, points at which lives are killed, and where its services are."""


def points_of(name: str) -> dict[str, None]:
    """The points at which lives of the workload are killed."""
    return {point: None for workload, points, _ in KILLED if workload == name for point in points}


@pytest.mark.parametrize(
    ("workload", "points", "services"),
    KILLED,
    ids=lambda each: each if isinstance(each, str) else "",
    indirect=["services"],
)
def test_nothing_is_lost(zygote, services, tmp_path, port, workload, points):
    loop = Loop(WORKLOADS[workload], services, tmp_path / "loop", port, zygote)
    verdict = loop.run(points)
    assert verdict.wrong() == []
    assert all(each.told for each in loop.producers), "nothing was sent, so nothing was shown"
