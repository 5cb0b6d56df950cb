"""Two runtimes on one place: one is killed again and again, the other goes on."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from octo.connectors.events import _lease
from octo.connectors.events.settings import Subscribe
from octo.services.container import Services
from octo.services.places import openers
from tests.chaos import lives
from tests.chaos.loop import RANDOM, Loop
from tests.chaos.workloads import WORKLOADS

STEADY = 1000
"""The life that is not killed."""


@pytest.mark.parametrize("services", ["sqlite", "postgresql", "nats"], indirect=True)
def test_killing_one_loses_nothing_and_the_other_goes_on(zygote, services, tmp_path, port, free_port):
    loop = Loop(WORKLOADS["queue"], services, tmp_path / "loop", port, zygote)
    with lives.zygote() as other:
        steady = loop.begin(STEADY, zygote=other, port=free_port())
        try:
            verdict = loop.run(["after it is received", "between blocks", RANDOM, "before the acknowledgement"] * 2)
        finally:
            os.kill(steady, signal.SIGTERM)
            code = other.ended(lives.PATIENCE)
    assert code == 0, loop.log
    assert verdict.wrong() == []
    assert {each.life == STEADY for each in loop.sink.arrivals} == {True, False}, "both had a share of the work"


async def reads(services):
    """Whether some process reads for the durable subscriber: it holds the lease."""
    async with Services(openers(services)) as opened:
        await opened.open(["leases"])
        name = _lease(Subscribe(subject="pairs", durable="work"))
        return await opened.opened["leases"].acquire(name, 0.001) is None


@pytest.mark.parametrize("services", ["sqlite", "postgresql", "nats"], indirect=True)
@pytest.mark.parametrize("point", ["after the effect", "before the acknowledgement"])
def test_when_the_reader_for_a_durable_subscriber_is_killed_the_other_reads_on(
    zygote, services, tmp_path, port, free_port, point
):
    loop = Loop(WORKLOADS["events"], services, tmp_path / "loop", port, zygote)
    with lives.zygote() as other:
        loop.begin(0, point, zygote=other, port=free_port())
        loop.wait(lambda: asyncio.run(reads(services)))
        verdict = loop.run([], during=lambda: loop.wait(lambda: other.ended(0.0) == -signal.SIGKILL), killed=1)
    assert verdict.wrong() == []
    assert {each.life for each in loop.sink.arrivals} == {0, 1}
