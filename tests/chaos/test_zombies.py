"""A runtime is frozen for longer than its leases, and another takes over: when it wakes up, it cannot write over it."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from tests.chaos import lives
from tests.chaos.loop import Loop
from tests.chaos.oracle import Pair
from tests.chaos.workloads import GATED


def seen(loop):
    return [(each.effect, each.life) for each in loop.sink.arrivals]


@pytest.mark.parametrize("services", ["sqlite", "postgresql", "nats"], indirect=True)
@pytest.mark.parametrize("workload", ["gated", "gated and locked"])
def test_a_zombie_settles_nothing_and_its_token_is_old(zygote, services, tmp_path, port, free_port, workload):
    """Neither the message nor the lock is its own any more. What comes after that, it handles as ever."""
    loop = Loop(GATED[workload], services, tmp_path / "loop", port, zygote)
    frozen = loop.begin(0)
    with lives.zygote() as other:
        loop.wait(lambda: loop.producers[0].send(Pair(0, 0)))
        loop.wait(lambda: seen(loop) == [("first", 0)])
        os.kill(frozen, signal.SIGSTOP)
        heir = loop.begin(1, zygote=other, port=free_port())
        try:
            loop.wait(lambda: seen(loop) == [("first", 0), ("first", 1)])
            (loop.folder / "open 1").touch()
            loop.wait(lambda: seen(loop)[-1] == ("second", 1) and not asyncio.run(loop.workload.left(services)))
            if workload == "gated":
                (loop.folder / "open 0").touch()  # its work goes on, and it is the settling that is refused
            os.kill(frozen, signal.SIGCONT)
            loop.wait(lambda: loop.log.count("held too long") + loop.log.count("not renewed in time"))
            (loop.folder / "open 0").touch()
        finally:
            os.kill(heir, signal.SIGKILL)
            other.ended(lives.PATIENCE)
    loop.wait(lambda: loop.producers[0].send(Pair(0, 1)))
    loop.producers[0].close()
    loop.wait(lambda: ("second", 0) in seen(loop)[-1:] and loop.sink.arrivals[-1].pair == Pair(0, 1))
    loop.wait(lambda: not asyncio.run(loop.workload.left(services)))
    os.kill(frozen, signal.SIGTERM)
    assert zygote.ended(lives.PATIENCE) == 0

    tokens = {each.life: each.token for each in loop.sink.arrivals if each.pair == Pair(0, 0)}
    if workload == "gated and locked":
        assert 0 < tokens[0] < tokens[1]
        assert seen(loop) == [("first", 0), ("first", 1), ("second", 1), ("first", 0), ("second", 0)]
