"""What traces cost: off, at 1 % and at 100 %, and whether a store stays at its bound over time.

`python -m bench.measures.traces CONFIG SAMPLE [STORE]` is the measured server: `octo run` with a recorder of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.cases import CEILING, FANOUT, Case, gate
from bench.figures import slope, spread, there_and_back
from bench.load import Result, closed, started
from bench.machine import FLOWS, free_port
from bench.process import Process, memory, running
from bench.section import Budget, Cell, Effort, Section, Table

MOST = {"1 %": 0.03, "100 %": 0.15}
SOAK_BYTES = 16 * 1024 * 1024


def measure(effort: Effort) -> Section:
    with tempfile.TemporaryDirectory(prefix="octo-bench-") as folder:
        ways = {
            "off": (),
            "1 %": ("0.01", f"sqlite:{folder}/some.db"),
            "100 %": ("1", f"sqlite:{folder}/all.db"),
            "100 %, memory": ("1", "memory:"),
        }
        results = {case.name: _compared(case, ways, effort) for case in (CEILING, FANOUT)}
        soak = _soak(60 * effort.minutes, Path(folder) / "soak.db")
    fanout = results[FANOUT.name]
    return Section(
        "Traces",
        "The same server without a recorder, with one that keeps 1 % of the successes, and with one that keeps all; in "
        "a SQLite store and in memory. `kept` is the share of what was to be kept that came into the store: at "
        "saturation the flows go first, and what the writer cannot take meanwhile is counted.",
        [
            Table(
                ["flow", "traces", "CPU-ms per request", "requests/s", "requests/s, of off", "kept"],
                [
                    _row(name, way, each, series["off"])
                    for name, series in results.items()
                    for way, each in series.items()
                ],
            ),
            Table(["soak: 002-fanout at 300/s, 100 %", "value"], soak),
        ],
        budgets=[
            Budget(
                f"002-fanout with traces at {way}: throughput lost",
                f"<= {most:.0%}",
                1 - _rate(fanout[way]) / _rate(fanout["off"]),
                1 - _rate(fanout[way]) / _rate(fanout["off"]) <= most,
                f"CPU per request {_cpu(fanout[way]) / _cpu(fanout['off']):.2f}x",
            )
            for way, most in MOST.items()
        ],
    )


Series = list[tuple[Result, float]]


def _compared(case: Case, ways: dict[str, tuple[str, ...]], effort: Effort) -> dict[str, Series]:
    """Each way in turns, all servers up all the time."""
    with contextlib.ExitStack() as stack:
        servers = {way: stack.enter_context(running(served(case.config, *how))) for way, how in ways.items()}
        results: dict[str, Series] = {way: [] for way in ways}
        for _ in range(max(2, effort.rounds)):
            for way in there_and_back(list(ways)):
                server = servers[way]
                gate(server, case)
                before = _kept(server)
                result = closed(server, case.request, case.connections, effort.seconds, effort.warm)
                results[way].append((result, _share(before, _kept(server))))
        return results


def _row(name: str, way: str, series: Series, off: Series) -> list[Cell]:
    cpu = spread([each.cpu_ms for each, _ in series], 4)
    rates = spread([each.rate for each, _ in series], 0)
    kept = "" if way == "off" else f"{median(kept for _, kept in series):.0%}"
    return [name, way, cpu, rates, f"{_rate(series) / _rate(off):.3f}", kept]


def _rate(series: Series) -> float:
    return median(each.rate for each, _ in series)


def _cpu(series: Series) -> float:
    return median(each.cpu_ms for each, _ in series)


# --- what the server says of its traces --------------------------------------------------------------------------


def _kept(server: Process) -> tuple[int, int]:
    """Traces that were put into the writer and that were dropped, as the server last said."""
    time.sleep(0.3)
    line = server.said().rpartition("traces put=")[2].partition("\n")[0]
    put, _, dropped = line.partition(" dropped=")
    return (int(put), int(dropped)) if dropped else (0, 0)


def _share(before: tuple[int, int], after: tuple[int, int]) -> float:
    put, dropped = after[0] - before[0], after[1] - before[1]
    return 1 - dropped / put if put else 1.0


# --- over time -----------------------------------------------------------------------------------------------------


def _soak(seconds: float, path: Path) -> list[list[Cell]]:
    with running(served(FANOUT.config, "1", f"sqlite:{path}", str(SOAK_BYTES))) as server:
        load = started(server, FANOUT.request, 300, seconds)
        samples = list(_samples(server, load, path))
    half = samples[len(samples) // 2 :]
    growing = slope([at / 60 for at, _, _ in half], [rss for _, rss, _ in half])
    return [
        ["minutes", round(samples[-1][0] / 60, 1)],
        ["RSS at first and at last, MB", f"{samples[0][1]:.1f}, {samples[-1][1]:.1f}"],
        ["RSS growth in the second half, MB per minute", round(growing, 3)],
        ["store bound to, and at most, MB", f"{SOAK_BYTES / 2**20:.1f}, {max(size for _, _, size in samples):.1f}"],
        ["requests not answered with 200", load.result().failed],
    ]


def _samples(server: Process, load: object, path: Path) -> Iterator[tuple[float, float, float]]:
    """Second, RSS and size of the store in MB for as long as the load lasts."""
    began = time.monotonic()
    while load.is_running:  # type: ignore[attr-defined]
        size = sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*")) / 2**20
        yield time.monotonic() - began, memory(server.pid)[1], size
        time.sleep(1)


# --- the server ------------------------------------------------------------------------------------------------------


def served(config: str, *how: str) -> Process:
    """A server of this flow. how: sample, store and its bound in bytes; nothing for no recorder."""
    port = free_port()
    command = [sys.executable, "-m", "bench.measures.traces", str(FLOWS / config), *how]
    return Process(command, port, says="runtime ready", HTTP_PORT=str(port))


def main() -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.Loop) as runner:
        runner.run(_serve(*sys.argv[1:]))


async def _serve(config: str, sample: str = "", url: str = "", most_bytes: str = "") -> None:
    from octo.cli.project import load
    from octo.core.log import configure
    from octo.engine.service import Service
    from octo.trace.recorder import Recorder
    from octo.trace.sqlite import Sqlite
    from octo.trace.store import open_store
    from octo.trace.writer import Writer

    configure()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if not sample:
        await Service(lambda: load(Path(config))).run(stop)
        return
    store = Sqlite(Path(url.partition(":")[2]), int(most_bytes)) if most_bytes else open_store(url, write=True)
    with Writer([store]) as writer:
        recorder = Recorder(writer.put, sample=float(sample))
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(_tell(writer))
            await Service(lambda: load(Path(config)), observer=recorder).run(stop)
            telling.cancel()


async def _tell(writer: object) -> None:
    while True:
        await asyncio.sleep(0.2)
        print(f"traces put={writer.offered} dropped={writer.dropped}", file=sys.stderr, flush=True)  # type: ignore[attr-defined]


if __name__ == "__main__":
    os.environ.setdefault("LOG_LEVEL", "info")
    main()
