"""Memory: idle, over minutes of load, and at ten times the load that can be served."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.cases import CASES, FANOUT, Case, served
from bench.figures import slope
from bench.load import Generator, started
from bench.measures.flows import saturation
from bench.process import Process, memory, octo, running
from bench.section import Budget, Cell, Effort, Plot, Section, Table

MOST_IDLE = 60.0
MOST_OVERLOADED = 2.0
OVERLOADED = tuple(case for case in CASES if case.name in ("005-proxy", "007-csv rich"))


def measure(effort: Effort) -> Section:
    idle = _idle(30 if effort.full else 5)
    rate, samples, lost = _flat(60 * effort.minutes, effort)
    half = samples[len(samples) // 2 :]
    growing = slope([at / 60 for at, _, _ in half], [rss for _, _, rss in half])
    overload = [_overload(case, 60 if effort.full else 6, effort) for case in OVERLOADED]
    worst = max(float(row[3]) / float(row[2]) for row in overload)
    return Section(
        "Memory",
        "PSS and RSS of the process tree in MB. Half load: 002-fanout at half of what it can serve. Overload: ten "
        "times the rate that saturates the flow, on at most 2,048 connections. A request that finds no free "
        "connection is never sent, so a server that neither answers nor refuses gets fewer requests.",
        [
            Table(["service", "PSS", "RSS"], [["idle, http and cron", *(round(each, 1) for each in idle)]]),
            Table(
                ["002-fanout at half load", "value"],
                [
                    ["requests/s", round(rate)],
                    ["minutes", round(samples[-1][0] / 60, 1)],
                    ["RSS at first and at last", f"{samples[0][2]:.1f}, {samples[-1][2]:.1f}"],
                    ["RSS growth in the second half, MB per minute", round(growing, 3)],
                    ["requests not answered with 200", lost],
                ],
            ),
            Table(
                [
                    "overloaded flow",
                    "offered/s",
                    "PSS before",
                    "PSS at most",
                    "PSS after",
                    "200",
                    "503",
                    "other",
                    "sent, no answer",
                    "never sent",
                ],
                overload,
            ),
        ],
        [
            Plot(
                "memory",
                "002-fanout at half load: memory",
                "seconds",
                "MB",
                {"RSS": [(at, rss) for at, _, rss in samples], "PSS": [(at, pss) for at, pss, _ in samples]},
            )
        ],
        [
            *(_refusal(row) for row in overload),
            Budget(
                "idle memory of `octo run` with http and cron (PSS)",
                f"<= {MOST_IDLE:g} MB",
                idle[0],
                idle[0] <= MOST_IDLE,
                f"RSS {idle[1]:.1f} MB",
                " MB",
            ),
            Budget(
                "memory under overload, of what it was before",
                f"<= {MOST_OVERLOADED:g}x",
                worst,
                worst <= MOST_OVERLOADED,
                "of two flows, the worse",
                "x",
            ),
        ],
    )


def _refusal(row: list[Cell]) -> Budget:
    """Whether requests over the capacity are refused. A late answer is not a refusal."""
    name, refused, silent = str(row[0]), int(row[6]), int(row[8]) + int(row[9])
    return Budget(
        f"overload of {name}: what is not served is refused with 503",
        "all of it",
        refused / max(1, refused + silent),
        silent == 0 and refused > 0,
        f"{refused:,} refused, {silent:,} neither answered nor refused while the generator waited",
    )


def _idle(seconds: float) -> tuple[float, float]:
    with running(octo("idle.yaml")) as process:
        time.sleep(seconds)
        return memory(process.pid)


def _flat(seconds: float, effort: Effort) -> tuple[float, list[tuple[float, float, float]], int]:
    """The offered rate, samples of (second, PSS, RSS), and the number of failed requests."""
    with served((FANOUT,)) as [(process, case)]:
        rate = saturation(process, case, effort) / 2
        load = started(process, case.request, rate, seconds)
        samples = list(_samples(process, load, every=1.0))
        return rate, samples, load.result().failed


def _overload(case: Case, seconds: float, effort: Effort) -> list[Cell]:
    with served((case,)) as [(process, _)]:
        rate = saturation(process, case, effort) * 10
        before = memory(process.pid)[0]
        load = started(process, case.request, rate, seconds, connections=2048)
        highest = max(pss for _, pss, _ in _samples(process, load, every=0.25))
        result = load.result()
        time.sleep(1)
        sizes = (round(each, 1) for each in (before, highest, memory(process.pid)[0]))
        good, refused = (result.statuses.get(status, 0) for status in ("200", "503"))
        other = sum(result.statuses.values()) - good - refused
        return [case.name, round(result.offered / seconds), *sizes, good, refused, other, result.lost, result.unsent]


def _samples(process: Process, load: Generator, every: float) -> Iterator[tuple[float, float, float]]:
    """Second, PSS and RSS for as long as the load lasts."""
    began = time.monotonic()
    while load.is_running:
        yield (time.monotonic() - began, *memory(process.pid))
        time.sleep(every)
