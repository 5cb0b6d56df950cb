"""The kill loop between a broker and the effects, briefly; `make chaos` does it a thousand times.

The promise is that of `test_kills`: what the broker has confirmed arrives, nothing else does, and only what was under
way comes again; with a key in the order of sending.
"""

from __future__ import annotations

import pytest

from octo.testing.servers import Missing
from tests.chaos import brokered
from tests.chaos.loop import RANDOM, Loop


@pytest.fixture(scope="session")
def rabbitmq():
    try:
        with brokered.rabbitmq() as (_, queue):
            yield queue
    except Missing as error:
        pytest.fail(str(error))


@pytest.mark.parametrize("workload", brokered.WORKLOADS)
def test_nothing_is_lost(zygote, rabbitmq, tmp_path, port, workload):
    loop = Loop(brokered.WORKLOADS[workload], rabbitmq(tmp_path), tmp_path / "loop", port, zygote)
    verdict = loop.run((*brokered.POINTS, RANDOM))
    assert verdict.wrong() == []
    assert all(each.told for each in loop.producers), "nothing was sent, so nothing was shown"
