"""The kill loop, briefly: a life is killed at each point once. `make chaos` does it a thousand times.

The promise: what was acknowledged arrives, nothing arrives that nobody sent, no effect is torn, and only what was under
way comes again.
"""

from __future__ import annotations

import pytest

from tests.chaos.loop import RANDOM, Loop
from tests.chaos.workloads import JOURNAL, POINTS, WORKLOADS

SLOW = ("after the effect", "between blocks", "before the acknowledgement", "after a commit")
"""Where it matters that `lock` and `idempotent` are around; each life waits for the lease of the one before."""


SEEN = ("before the effect", "after the effect", "between blocks", "before a commit", "after a commit")
"""The points that a message passes which no source delivers."""


@pytest.mark.parametrize(
    ("workload", "points", "services"),
    [
        ("queue", (*POINTS, RANDOM), "sqlite"),
        ("queue", (*POINTS, RANDOM), "postgresql"),
        ("events", (*POINTS, RANDOM), "sqlite"),
        ("events", (*POINTS, RANDOM), "postgresql"),
        ("queue", (*POINTS, RANDOM), "redis"),
        ("events", (*POINTS, RANDOM), "redis"),
        ("queue", (*POINTS, RANDOM), "nats"),
        ("events", (*POINTS, RANDOM), "nats"),
        ("order", POINTS, "sqlite"),
        ("order", POINTS, "postgresql"),
        ("guarded", SLOW, "sqlite"),
        ("journal", (*POINTS, *JOURNAL, RANDOM), "sqlite"),
        ("journal", (*SEEN, *JOURNAL), "postgresql"),
        ("accepted", (*SEEN, *JOURNAL), "sqlite"),
        ("accepted", (*SEEN, RANDOM), "postgresql"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
    indirect=["services"],
)
def test_nothing_is_lost(zygote, services, tmp_path, port, workload, points):
    loop = Loop(WORKLOADS[workload], services, tmp_path / "loop", port, zygote)
    verdict = loop.run(points)
    assert verdict.wrong() == []
    assert all(each.told for each in loop.producers), "nothing was sent, so nothing was shown"
