"""The suite's flows: CPU per request and throughput at saturation, then latency at a rate that all serve with ease."""

from __future__ import annotations

from bench.cases import CASES, FANOUT, Case, gate, missing, served
from bench.figures import spread, there_and_back
from bench.load import Result, closed, opened
from bench.process import Process
from bench.section import Cell, Effort, Plot, Section, Table

CONCURRENCY = (1, 2, 4, 8, 16, 32, 64, 128)


def measure(effort: Effort) -> Section:
    cases = tuple(case for case in CASES if not missing(case))
    with served(cases) as servers:
        saturated = {case.name: list[Result]() for case in cases}
        for _ in range(effort.rounds):
            for process, case in there_and_back(servers):
                gate(process, case)
                result = closed(process, case.request, case.connections, effort.seconds, effort.warm)
                saturated[case.name].append(result)
        paced = {case.name: opened(process, case.request, case.rate, effort.seconds, 0.5) for process, case in servers}
        fanout = next(process for process, case in servers if case is FANOUT)
        curve = [(number, _at(fanout, number, effort)) for number in CONCURRENCY[:: 1 if effort.full else 2]]
    absent = {case.name: missing(case) for case in CASES if missing(case)}
    rows: list[list[Cell]] = [
        [name, spread([it.cpu_ms for it in all_], 3), spread([it.rate for it in all_], 0)]
        for name, all_ in saturated.items()
    ]
    rows += [[name, "not yet measurable", why] for name, why in absent.items()]
    return Section(
        "The flows of the suite",
        "Each flow of `bench/flows`, called again and again over 32 connections. The answer is checked before each "
        "measurement. CPU-ms per request counts the whole process tree and does not depend on the generator.",
        [
            Table(["flow", "CPU-ms per request", "requests/s at saturation"], rows, "At saturation (closed model)"),
            Table(
                ["flow", "requests/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "not 200", "generator late by ms"],
                [[case.name, case.rate, *_times(paced[case.name])] for case in cases],
                "At a fixed rate (open model)",
            ),
        ],
        [
            Plot(
                "saturation",
                "002-fanout: throughput by concurrency",
                "connections",
                "requests/s",
                {"requests/s": [(number, it.rate) for number, it in curve]},
            ),
            Plot(
                "saturation-latency",
                "002-fanout: latency by concurrency",
                "connections",
                "ms",
                {
                    "p50": [(number, it.p50) for number, it in curve],
                    "p99": [(number, it.p99) for number, it in curve],
                },
            ),
        ],
        notes=[
            "005-proxy is limited by its `workers: 8`: 8 requests of 70 ms each are at most 114/s; see 'The proxy'.",
            "003-crud: PostgreSQL runs without fsync on the generator's CPU; its cost there is not in CPU-ms.",
            *(f"Not yet measurable: {name}. Octo says: {why}" for name, why in absent.items()),
        ],
    )


def _at(process: Process, connections: int, effort: Effort) -> Result:
    return closed(process, FANOUT.request, connections, min(3.0, effort.seconds), 0.3)


def _times(it: Result) -> list[float | int]:
    return [*(round(each, 2) for each in (it.p50, it.p95, it.p99, it.longest)), it.failed, round(it.behind, 2)]


def saturation(process: Process, case: Case, effort: Effort) -> float:
    """The requests per second at which this flow is saturated, for measures that need a share of them."""
    return closed(process, case.request, case.connections, min(2.0, effort.seconds), effort.warm).rate
