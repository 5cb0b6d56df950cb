"""`foreach` in map mode: the cost of an item among ten and among ten thousand."""

from __future__ import annotations

from statistics import median

from bench.figures import quickest, there_and_back
from bench.machine import pinned
from bench.section import Budget, Effort, Section, Table

FLOW = """
flows:
  - name: f
    process:
      - {type: foreach, items: body, mode: map, as: a, body: [{type: set-payload, value: '{"v": vars.a.n * 2}'}]}
"""
COUNTS = (10, 100, 1_000, 10_000)
SLACK = 0.2


def measure(effort: Effort) -> Section:
    from octo.builtin import plugins
    from octo.config.load import parse
    from octo.core.message import Message
    from octo.engine.build import build_flows
    from octo.engine.events import Bus

    flow = build_flows(parse(FLOW, plugins(), {}).flows.values(), {}, Bus(), lambda _: None)["f"]
    bodies = {count: [{"n": n} for n in range(count)] for count in COUNTS}
    times: dict[int, list[float]] = {count: [] for count in COUNTS}
    with pinned():
        for count in there_and_back(COUNTS) * max(2, effort.rounds):
            body = bodies[count]
            times[count].append(quickest(lambda body=body: flow.call(Message(body)), 0.1, series=3) / count)
    middle = {count: median(each) * 1e6 for count, each in times.items()}
    ratio = middle[10_000] / middle[10]
    return Section(
        "foreach",
        "A flow of one `foreach` in map mode with one `set-payload`, called in process.",
        [Table(["items", "µs per item"], [[count, round(each, 3)] for count, each in middle.items()])],
        budgets=[
            Budget(
                "foreach map: cost per item, 10,000 items / 10",
                f"<= {1 + SLACK:g}",
                ratio,
                ratio <= 1 + SLACK,
                "below 1 the call itself is spread over more items; a quadratic one would be far above",
            )
        ],
    )
