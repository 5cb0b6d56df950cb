"""How cost grows with size: 006 from 8 to 7,584 records, as one expression and as a block per record."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from bench import bodies
from bench.cases import CASES, gate, served
from bench.figures import growth, there_and_back
from bench.load import closed
from bench.section import Budget, Effort, Plot, Section, Table

ROUTES = tuple(case for case in CASES if case.name.startswith("006"))
MOST = 1.2
BRIEFLY = (1024, 16384, 262144, 1048576)


def measure(effort: Effort) -> Section:
    batches = {count: text for text, count in map(bodies.records, bodies.SIZES if effort.full else BRIEFLY)}
    times: dict[str, dict[int, list[float]]] = {case.name: {count: [] for count in batches} for case in ROUTES}
    with served(ROUTES) as servers:
        for count, text in batches.items():
            for process, case in there_and_back(servers) * effort.rounds:
                this = replace(
                    case, request=replace(case.request, body=text), right=lambda it, n=count: len(it["accounts"]) == n
                )
                gate(process, this)
                result = closed(process, this.request, 2, max(0.8, effort.seconds / 2), 0.3)
                times[case.name][count].append(result.cpu_ms)
    middle = {name: {count: median(each) for count, each in series.items()} for name, series in times.items()}
    by_map, by_block = middle.values()
    return Section(
        "Growth",
        "006 reshapes a batch of records, once with one CEL `.map()`, once with `foreach` in map mode. CPU-ms per "
        "request, two connections. Growth is the slope of log(time) over log(records): 1 is linear, 2 quadratic. The "
        "slope of the upper half excludes the fixed cost of a request.",
        [
            Table(
                ["records", "`.map()` CPU-ms", "`foreach` CPU-ms", "foreach / .map()"],
                [
                    [
                        count,
                        round(by_map[count], 3),
                        round(by_block[count], 3),
                        round(by_block[count] / by_map[count], 2),
                    ]
                    for count in batches
                ],
            ),
            Table(
                ["route", "slope, whole range", "slope, upper half"],
                [
                    [name, round(_slope(series), 2), round(_slope(series, len(batches) // 2), 2)]
                    for name, series in middle.items()
                ],
            ),
        ],
        [
            Plot(
                "growth",
                "006: CPU-ms per request by records",
                "records",
                "CPU-ms",
                {name: [(float(n), t) for n, t in series.items()] for name, series in middle.items()},
                log=True,
            )
        ],
        [
            Budget(f"{name}: growth with size (upper half)", f"<= {MOST}", value, value <= MOST, "1 is linear")
            for name, value in ((name, _slope(series, len(batches) // 2)) for name, series in middle.items())
        ],
    )


def _slope(series: dict[int, float], since: int = 0) -> float:
    points = list(series.items())[since:]
    return growth([float(count) for count, _ in points], [time for _, time in points])
