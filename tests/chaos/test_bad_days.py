"""The server or the disk of the services has a bad day, and the runtime lives through it."""

from __future__ import annotations

import os
import signal

import pytest

from tests.chaos import lives, places
from tests.chaos.loop import Loop
from tests.chaos.workloads import WORKLOADS

LOST = 4
"""How often a runtime may lose its connection while a server is away and comes back."""
ROOM = 400_000
"""Bytes of the small disk: the store is full of it before long."""


@pytest.mark.parametrize("workload", ["queue", "events"])
@pytest.mark.parametrize("absence", [("pause", "resume"), ("stop", "start")], ids=["black hole", "restart"])
@pytest.mark.parametrize("name", ["postgres", "nats"])
def test_a_server_that_is_away_turns_it_red_and_back_green(
    request, zygote, tmp_path, port, free_port, name, workload, absence
):
    """Without a restart of the runtime, and nothing that was taken is lost."""
    (server, place), (begin, end) = request.getfixturevalue(name), absence
    admin = f"127.0.0.1:{free_port()}"
    loop = Loop(WORKLOADS[workload], place(tmp_path), tmp_path / "loop", port, zygote, admin=admin)

    def away():
        loop.wait(lambda: loop.ready and loop.sink.arrivals)
        getattr(server, begin)(*(["immediate"] if (name, begin) == ("postgres", "stop") else []))
        try:
            loop.wait(lambda: loop.ready is False)
        finally:
            getattr(server, end)()
        loop.recovered()

    # What was under way may come again, as after a kill, each time that the connection is lost: a server that begins
    # anew takes connections and drops them before it is ready.
    verdict = loop.run([], during=away, killed=LOST)
    assert verdict.wrong() == []
    assert len({each.life for each in loop.sink.arrivals}) == 1, "the runtime was not started again"


@pytest.mark.parametrize("workload", ["queue", "events"])
def test_a_full_disk_refuses_what_it_cannot_keep(zygote, tmp_path, port, workload):
    """The sender hears of it, what was taken arrives once there is room, and nothing else does."""
    loop = Loop(WORKLOADS[workload], places.embedded(tmp_path), tmp_path / "loop", port, zygote)
    loop.start()
    with lives.zygote() as other:
        limited = loop.begin(0, zygote=other, room=ROOM)
        try:
            loop.wait(lambda: "nothing was written" in loop.log)
            told = sum(len(each.told) for each in loop.producers)
        finally:
            os.kill(limited, signal.SIGTERM)
            code = other.ended(lives.PATIENCE)
    assert told, "something was taken before the disk was full"
    assert code == 0, loop.log
    assert loop.run([], killed=1).wrong() == []
