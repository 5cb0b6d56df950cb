"""The long kill loop: `make chaos`, or e.g. `python -m tests.chaos --kills 50 --only sqlite,queue`.

Prints a row for each place, workload and point as soon as it is done. Exit code 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from octo.testing.nats import Nats
from octo.testing.postgres import Postgres
from octo.testing.rabbitmq import RabbitMQ
from octo.testing.redis import Redis
from octo.testing.servers import Missing
from tests.chaos import brokered, places
from tests.chaos.backlog import begun, fill
from tests.chaos.damage import damaged
from tests.chaos.lives import PATIENCE, Zygote, zygote
from tests.chaos.loop import RANDOM, Hang, Loop
from tests.chaos.test_brokers import LOST
from tests.chaos.test_kills import points_of
from tests.chaos.workloads import WORKLOADS

MESSAGES, KEYS = 100_000, 10_000
Server = Postgres | Redis | Nats | RabbitMQ
COLUMNS = "{:11} {:8} {:27} {:>6} {:>8} {:>15} {:>8} {:>5} {:>13} {:>10} {:>9} {:>7}"


def main() -> int:
    chosen = _arguments()
    only = set(filter(None, chosen.only.split(",")))
    print(f"{chosen.kills} kills for each point; seed {chosen.seed}; load average {os.getloadavg()[0]:.1f}")
    heads = ("place", "workload", "killed", "kills", "messages", "lost front/mid/end", "phantom", "torn")
    print(COLUMNS.format(*heads, "again/may", "overtaken", "reordered", "s"), flush=True)
    failed: list[str] = []
    with ExitStack() as stack:
        forks = stack.enter_context(zygote())
        folder = Path(tempfile.mkdtemp(prefix="octo-chaos-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers, known = _places(stack)
        for place, url in known.items():
            for name, workload in WORKLOADS.items():
                for point in dict.fromkeys((*points_of(name), RANDOM)):
                    if only and not {place, name, point} >= only:
                        continue
                    here = folder / f"{place}-{name}-{point}".replace(" ", "-")
                    loop = Loop(workload, url(here), here, _port(), forks, seed=chosen.seed)
                    failed += _row(loop, place, point, chosen.kills)
                    shutil.rmtree(here)
        failed += _damage(only, folder / "damage", chosen)
        for place, url in known.items():
            if not only or only in ({"backlog"}, {"backlog", place}):
                _backlog(place, url, folder / f"{place}-backlog", forks)
        for place, server in servers.items():
            if not only or only in ({"black hole"}, {"black hole", place}):
                url, here = known[place](folder), folder / f"{place}-hole"
                failed += _black_hole(place, server, Loop(WORKLOADS["queue"], url, here, _port(), forks), lost=1)
        failed += _brokers(stack, chosen, only, folder, forks)
    failed += _namespaces(only)
    for each in failed:
        print(f"FAILED: {each}")
    return bool(failed)


def _places(stack: ExitStack) -> tuple[dict[str, Server], dict[str, places.Place]]:
    """The servers that could be started, and all places."""
    servers: dict[str, Server] = {}
    known: dict[str, places.Place] = {"sqlite": places.embedded}
    for name, started in (("postgresql", places.postgres), ("redis", places.redis), ("nats", places.nats)):
        try:
            servers[name], known[name] = stack.enter_context(started())
        except Missing as error:
            print(f"not run: {name}: {error}")
    return servers, known


def _brokers(stack: ExitStack, chosen: argparse.Namespace, only: set[str], folder: Path, forks: Zygote) -> list[str]:
    """Kill what stands between a broker and its effects, and let the broker be away."""
    if only and not only <= {"rabbitmq", *brokered.WORKLOADS, *brokered.POINTS, RANDOM, "black hole"}:
        return []
    try:
        server, queue = stack.enter_context(brokered.rabbitmq())
    except Missing as error:
        print(f"not run: rabbitmq: {error}")
        return []
    failed = []
    for name, workload in brokered.WORKLOADS.items():
        for point in (*brokered.POINTS, RANDOM):
            if {"rabbitmq", name, point} >= only:
                here = folder / f"rabbitmq-{name}-{point}".replace(" ", "-")
                loop = Loop(workload, queue(here), here, _port(), forks, seed=chosen.seed)
                failed += _row(loop, "rabbitmq", point, chosen.kills)
                shutil.rmtree(here)
    if not only or only in ({"black hole"}, {"black hole", "rabbitmq"}):
        loop = Loop(brokered.WORKLOADS["ordered"], queue(folder), folder / "rabbitmq-hole", _port(), forks)
        failed += _black_hole("rabbitmq", server, loop, lost=LOST)
    return failed


def _row(loop: Loop, place: str, point: str, kills: int) -> list[str]:
    began, name = time.monotonic(), loop.workload.name
    try:
        verdict = loop.run([point] * kills)
    except (Hang, AssertionError) as error:
        print(f"{place} {name} {point}: {error}", flush=True)
        return [f"{place}, {name}, {point}: {error}"]
    lost = f"{len(verdict.front)}/{len(verdict.middle)}/{len(verdict.end)}"
    print(
        COLUMNS.format(
            *(place, name, point, kills, sum(each.sent for each in loop.producers), lost, len(verdict.unsent)),
            *(
                len(verdict.torn) + len(verdict.half),
                f"{verdict.repeated}/{verdict.limits.repeated}",
                len(verdict.overtaken),
                len(verdict.reordered),
            ),
            f"{time.monotonic() - began:.0f}",
        ),
        flush=True,
    )
    return [f"{place}, {name}, {point}: {each}" for each in verdict.wrong()]


def _backlog(place: str, url: places.Place, folder: Path, forks: Zygote) -> None:
    """Print what a start after a kill costs, with a long queue and without."""
    folder.mkdir()
    loop = Loop(WORKLOADS["queue"], url(folder), folder, _port(), forks)
    for messages, keys in ((100, 0), (MESSAGES, KEYS)):
        asyncio.run(fill(loop.services, messages, keys))
        begun(loop, 0)
        first, memory, cpu = begun(loop, 1)
        print(
            f"{place}: first effect {first:.2f} s after the start, {cpu:.2f} s of processor, {memory / 1e6:.0f} MB, "
            f"with {messages:,} messages and {keys:,} keys; load average {os.getloadavg()[0]:.1f}",
            flush=True,
        )


def _damage(only: set[str], folder: Path, chosen: argparse.Namespace) -> list[str]:
    """Flip bytes of a store, and cut its files off, as many times as others are killed."""
    if only and "damage" not in only:
        return []
    folder.mkdir()
    counts: Counter[str] = Counter()
    wrong = []
    for name, case, outcome in damaged(folder, chosen.kills, chosen.seed):
        kind = outcome if outcome in ("whole", "refused") else "wrong"
        counts[f"{name} {case.part} {'cut' if case.flip is None else 'flipped'}: {kind}"] += 1
        if kind == "wrong":
            wrong.append(f"damage: {name} {outcome}")
    for each, number in sorted(counts.items()):
        print(f"{each} {number:,}", flush=True)
    return wrong


def _black_hole(place: str, server: Server, loop: Loop, *, lost: int) -> list[str]:
    """The server answers nothing for half a minute, while producers send.

    lost: how often the runtime may lose its connection meanwhile.
    """
    loop.admin = f"127.0.0.1:{_port()}"
    seen: list[bool | None] = []

    def away() -> None:
        loop.wait(lambda: loop.ready and loop.sink.arrivals)
        server.pause()
        try:
            time.sleep(30)
            seen.append(loop.ready)
        finally:
            server.resume()
        began = time.monotonic()
        loop.recovered(patience=3 * PATIENCE)
        print(f"{place}: black hole of 30 s: recovered {time.monotonic() - began:.1f} s after it", flush=True)

    verdict = loop.run([], during=away, killed=lost)
    return [f"black hole: {place}: {each}" for each in [*verdict.wrong(), *(["not red"] if seen != [False] else [])]]


def _namespaces(only: set[str]) -> list[str]:
    """Two runtimes in network namespaces are frozen, cut off and killed, again and again; the database is away."""
    if only not in (set(), {"namespaces"}):
        return []
    tests = ["-m", "pytest", "-q", "--timeout=3600", str(Path(__file__).with_name("test_namespaces.py"))]
    done = subprocess.run(
        [sys.executable, *tests], env={**os.environ, "CHAOS_ROUNDS": "10", "CHAOS_HOLE": "30"}, check=False
    )
    return ["namespaces: see above"] if done.returncode else []


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill Octo at named points, and count what was lost.")
    parser.add_argument("--kills", type=int, default=1000, help="for each place, workload and point")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only",
        default="",
        help="e.g. `sqlite,queue`, `redis,events,at random`, `backlog`, `damage`, `redis,black hole`",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
