"""What the flow language costs: four CEL blocks behind HTTP against an application that does nothing."""

from __future__ import annotations

from statistics import median

from bench.cases import CEILING, gate
from bench.figures import spread, there_and_back
from bench.load import Request, Result, closed
from bench.process import octo, running, script
from bench.section import Budget, Effort, Section, Table

LEAST = 0.75


def measure(effort: Effort) -> Section:
    with running(script("bare")) as bare, running(octo(CEILING.config)) as flow:
        gate(flow, CEILING)
        servers = {
            "bare ASGI application": (bare, Request("/", CEILING.request.body)),
            "flow of 4 CEL blocks": (flow, CEILING.request),
        }
        results: dict[str, list[Result]] = {name: [] for name in servers}
        for _ in range(max(2, effort.rounds)):
            for name in there_and_back(list(servers)):
                results[name].append(closed(*servers[name], 32, effort.seconds, effort.warm))
    bare_cpu, flow_cpu = (median(each.cpu_ms for each in series) for series in results.values())
    bare_rate, flow_rate = (median(each.rate for each in series) for series in results.values())
    return Section(
        "The ceiling",
        "The same JSON is posted to a flow (two `set-variable`, an `if` with one, a `set-payload`) and to a bare ASGI "
        "application on granian, with one worker, that reads it, ignores it and answers. 32 connections, "
        "closed model. The flow decodes the body, routes, sets variables, evaluates and encodes; nothing listens to "
        "its events.",
        [
            Table(
                ["server", "CPU-ms per request", "requests/s", "server's CPU busy"],
                [
                    [
                        name,
                        spread([each.cpu_ms for each in series], 4),
                        spread([each.rate for each in series], 0),
                        f"{median(each.rate * each.cpu_ms / 1000 for each in series):.0%}",
                    ]
                    for name, series in results.items()
                ],
            )
        ],
        budgets=[
            Budget(
                "HTTP flow of 4 CEL blocks: requests per CPU-second, of a bare ASGI application's",
                f">= {LEAST}",
                bare_cpu / flow_cpu,
                min(bare_cpu / flow_cpu, flow_rate / bare_rate) >= LEAST,
                f"of its requests/s {flow_rate / bare_rate:.2f}; below 100 % busy the generator is the limit",
            )
        ],
    )
