"""What traces cost: at 1 % and at 100 % of the messages, each compared with none.

`python -m bench.measures.traces CONFIG SAMPLE [STORE]` is the measured server: `octo run` with a recorder of its own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.cases import CEILING, FANOUT, Case, gate
from bench.figures import spread
from bench.load import Result, closed
from bench.machine import FLOWS, free_port
from bench.process import Process, running
from bench.section import Budget, Cell, Effort, Section, Table

MOST = {"1 %": 0.03, "100 %": 0.15}


def measure(effort: Effort) -> Section:
    with tempfile.TemporaryDirectory(prefix="octo-bench-") as folder:
        ways = {
            "1 %": ("0.01", f"sqlite:{folder}/some.db"),
            "100 %": ("1", f"sqlite:{folder}/all.db"),
            "100 %, memory": ("1", "memory:"),
        }
        results = {case.name: _compared(case, ways, effort) for case in (CEILING, FANOUT)}
    fanout = results[FANOUT.name]
    return Section(
        "Traces",
        "The same server without a recorder, and with a recorder that keeps 1 % or all of the messages, in a SQLite "
        "store or in memory. `kept` is the share of these messages that the store got: at saturation the flows go "
        "first, and traces that the writer cannot take are lost and counted.",
        [
            Table(
                ["flow", "traces", "CPU-ms per request", "requests/s", "requests/s, of off", "CPU, of off", "kept"],
                [
                    row
                    for name, pairs in results.items()
                    for way, pair in pairs.items()
                    for row in _rows(name, way, *pair)
                ],
            ),
        ],
        budgets=[_budget(way, *fanout[way], most) for way, most in MOST.items()],
    )


def _budget(way: str, off: Series, on: Series, most: float) -> Budget:
    lost = 1 - _rate(on) / _rate(off)
    remark = f"CPU per request {_cpu(on) / _cpu(off):.2f}x"
    return Budget(f"002-fanout with traces at {way}: throughput lost", f"<= {most:.0%}", lost, lost <= most, remark)


Series = list[tuple[Result, float]]


def _compared(case: Case, ways: dict[str, tuple[str, ...]], effort: Effort) -> dict[str, tuple[Series, Series]]:
    """Each way compared with a server without traces. Only these two run, in turns: a server goes on writing traces
    after its turn, which would slow a third one.
    """
    return {way: _pair(case, how, effort) for way, how in ways.items()}


def _pair(case: Case, how: tuple[str, ...], effort: Effort) -> tuple[Series, Series]:
    with running(served(case.config)) as off, running(served(case.config, *how)) as on:
        results: tuple[Series, Series] = ([], [])
        for _ in range(max(2, effort.rounds)):
            for index in (0, 1, 1, 0):
                server = (off, on)[index]
                gate(server, case)
                before = _kept(server)
                result = closed(server, case.request, case.connections, effort.seconds, effort.warm)
                results[index].append((result, _share(before, _kept(server))))
        return results


def _rows(name: str, way: str, off: Series, on: Series) -> list[list[Cell]]:
    kept = f"{median(kept for _, kept in on):.0%}"
    return [
        [name, "off", *_figures(off), "", "", ""],
        [name, way, *_figures(on), f"{_rate(on) / _rate(off):.3f}", f"{_cpu(on) / _cpu(off):.3f}", kept],
    ]


def _figures(series: Series) -> list[Cell]:
    return [spread([each.cpu_ms for each, _ in series], 4), spread([each.rate for each, _ in series], 0)]


def _rate(series: Series) -> float:
    return median(each.rate for each, _ in series)


def _cpu(series: Series) -> float:
    return median(each.cpu_ms for each, _ in series)


# --- what the server says of its traces --------------------------------------------------------------------------


def _kept(server: Process) -> tuple[int, int]:
    """The numbers of traces that were put into the writer and that were dropped, from the server's last line."""
    time.sleep(0.3)
    line = server.said().rpartition("traces put=")[2].partition("\n")[0]
    put, _, dropped = line.partition(" dropped=")
    return (int(put), int(dropped)) if dropped else (0, 0)


def _share(before: tuple[int, int], after: tuple[int, int]) -> float:
    put, dropped = after[0] - before[0], after[1] - before[1]
    return 1 - dropped / put if put else 1.0


# --- the server ------------------------------------------------------------------------------------------------------


def served(config: str, *how: str) -> Process:
    """A server of this flow. how: the sample, the store and its limit in bytes; nothing for no recorder."""
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
    from octo.trace.opening import open_store
    from octo.trace.recorder import Recorder
    from octo.trace.sqlite import Sqlite
    from octo.trace.writer import Writer

    configure()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if not sample:
        await Service(lambda: load(Path(config))).run(stop)
        return
    store = Sqlite(Path(url.partition(":")[2]), int(most_bytes)) if most_bytes else open_store(url, write=True)
    with Writer([store]) as writer:
        recorder = Recorder(writer.put, admit=writer.admit, sample=float(sample))
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
