"""A long queue and many keys: what a start after a kill costs, in time and memory."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from octo.connectors.queue import wire
from octo.core.message import Message
from octo.services.container import Services
from octo.services.places import openers
from tests.chaos.loop import Loop
from tests.chaos.oracle import Pair, key, load

_AT_ONCE = 1000


class Start(NamedTuple):
    """seconds: from the begin of the process to its first effect. memory: bytes at most until then.

    cpu: seconds of processor until then, which a busy machine changes less.
    """

    seconds: float
    memory: int
    cpu: float


async def fill(services: str, messages: int, keys: int) -> None:
    """Put in so many messages, of so many ordering keys, and as many results of `idempotent`."""
    async with Services(openers(services)) as opened:
        await opened.open(["queues", "key-value"])
        queues, entries = opened.opened["queues"], opened.opened["key-value"]
        for begin in range(0, messages, _AT_ONCE):
            await asyncio.gather(
                *(
                    queues.send("pairs", _message(n), order=f"k{n % keys}" if keys else "")  # type: ignore[attr-defined]
                    for n in range(begin, min(begin + _AT_ONCE, messages))
                )
            )
        for begin in range(0, keys, _AT_ONCE):
            await asyncio.gather(
                *(entries.put("idempotent", f"k{n}", _message(n)) for n in range(begin, min(begin + _AT_ONCE, keys)))  # type: ignore[attr-defined]
            )


def _message(n: int) -> object:
    pair = Pair(0, n)
    return wire.sealed(Message({**pair._asdict(), "load": load(pair)}, {"Idempotency-Key": key(pair)}))


def begun(loop: Loop, number: int) -> Start:
    """Begin a life as a user does, wait for its first effect, and kill it."""
    life, before, began = loop.life(number), len(loop.sink.arrivals), time.monotonic()
    with Path(life["log"]).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "octo", *life["arguments"]],
            env={**os.environ, **life["environment"]},
            cwd=life["folder"],
            stderr=log,
        )
    try:
        loop.wait(lambda: len(loop.sink.arrivals) > before)
        seconds = time.monotonic() - began
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        memory = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
        times = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        cpu = sum(map(int, times[11:13])) / os.sysconf("SC_CLK_TCK")
    finally:
        process.kill()
        process.wait()
        loop.look()
    return Start(seconds, memory, cpu)
