"""The kill loop between a broker and the effects, briefly; `make chaos` does it a thousand times.

The promise is that of `test_kills`: what the broker has confirmed arrives, nothing else does, and only what was under
way comes again; with a key in the order of sending.
"""

from __future__ import annotations

import time

import pytest

from octo.testing.servers import Missing
from tests.chaos import brokered
from tests.chaos.lives import PATIENCE
from tests.chaos.loop import RANDOM, Loop

LOST = 6
"""How often a runtime may lose its connection while the broker is away and comes back."""


@pytest.fixture(scope="session")
def rabbitmq():
    try:
        with brokered.rabbitmq() as found:
            yield found
    except Missing as error:
        pytest.fail(str(error))


@pytest.mark.parametrize("workload", brokered.WORKLOADS)
def test_nothing_is_lost(zygote, rabbitmq, tmp_path, port, workload):
    _, queue = rabbitmq
    loop = Loop(brokered.WORKLOADS[workload], queue(tmp_path), tmp_path / "loop", port, zygote)
    verdict = loop.run((*brokered.POINTS, RANDOM))
    assert verdict.wrong() == []
    assert all(each.told for each in loop.producers), "nothing was sent, so nothing was shown"


@pytest.mark.parametrize(("begin", "end"), [("pause", "resume"), ("kill", "start")], ids=["black hole", "restart"])
def test_a_broker_that_is_away_turns_it_red_and_back_green(zygote, rabbitmq, tmp_path, port, free_port, begin, end):
    """Without a restart of the runtime. What the broker has confirmed outlives its crash."""
    server, queue = rabbitmq
    admin = f"127.0.0.1:{free_port()}"
    loop = Loop(brokered.WORKLOADS["ordered"], queue(tmp_path), tmp_path / "loop", port, zygote, admin=admin)

    def away():
        loop.wait(lambda: loop.ready and loop.sink.arrivals)
        time.sleep(2)  # RabbitMQ 3.10 may lose a quorum queue that is younger than half a second
        getattr(server, begin)()
        try:
            loop.wait(lambda: loop.ready is False)
        finally:
            getattr(server, end)()
        loop.recovered(patience=3 * PATIENCE)  # a lost connection is tried again every half a minute at last

    verdict = loop.run([], during=away, killed=LOST)
    assert verdict.wrong() == []
    assert len({each.life for each in loop.sink.arrivals}) == 1, "the runtime was not started again"
