"""How long a start takes: `octo invoke` compared with an empty Python, and `octo run` until it answers."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from statistics import median

from bench.cases import CEILING
from bench.figures import spread, there_and_back
from bench.machine import ROOT, SERVER_CPU, environment
from bench.process import octo
from bench.section import Budget, Cell, Effort, Section, Table

MOST = 250.0


def measure(effort: Effort) -> Section:
    flow = (
        "--config",
        str(ROOT / "bench" / "flows" / "two-blocks.yaml"),
        "--flow",
        "greet",
        "--data",
        '{"name":"Ada"}',
    )
    commands = {
        "`python -c pass`": ("-c", "pass"),
        "`octo invoke`, two blocks": (str(ROOT / ".venv" / "bin" / "octo"), "invoke", *flow),
    }
    names = list(commands)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for name in there_and_back(names) * (10 if effort.full else 4):
        times[name].append(_milliseconds(commands[name]))
    cpu = {name: median(each[1] for each in both) for name, both in times.items()}
    first = [_first_answer() for _ in range(20 if effort.full else 5)]
    empty, invoked = (median(each[0] for each in both) for both in times.values())
    rows: list[list[Cell]] = [
        [name, spread([each[0] for each in both], 0), spread([each[1] for each in both], 0)]
        for name, both in times.items()
    ]
    rows.append(["`octo run`, exec to first 200", spread(first, 0), ""])
    return Section(
        "Start",
        "Fresh processes on the server's CPU, with modules compiled beforehand.",
        [Table(["process", "milliseconds", "CPU milliseconds"], rows)],
        budgets=[
            Budget(
                "start of `octo invoke` on a flow of two blocks, over `python -c pass`",
                f"<= {MOST:g} ms",
                invoked - empty,
                invoked - empty <= MOST,
                f"of CPU time {cpu[names[1]] - cpu[names[0]]:.0f} ms; the rest is waiting for a CPU",
                " ms",
            )
        ],
    )


def _milliseconds(command: tuple[str, ...]) -> tuple[float, float]:
    """Wall and CPU time of a process from start to end."""
    pinned = ["taskset", "-c", str(SERVER_CPU), sys.executable, *command]
    began, before = time.perf_counter(), os.times()
    subprocess.run(pinned, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment())
    after = os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return (time.perf_counter() - began) * 1000, used * 1000


def _first_answer() -> float:
    began = time.perf_counter()
    process = octo(CEILING.config)
    try:
        while not _answers(process.port):
            time.sleep(0.002)
        return (time.perf_counter() - began) * 1000
    finally:
        process.stop()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", CEILING.request.path, CEILING.request.body, {"Content-Type": "application/json"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
