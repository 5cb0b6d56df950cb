"""A proxy in front of a slow back end: the throughput of the defaults as a share of that of a tuned one."""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.cases import gate, named
from bench.figures import spread, there_and_back
from bench.load import Result, closed
from bench.machine import FLOWS
from bench.process import backend, octo, running
from bench.section import Budget, Effort, Section, Table

PROXY = named("005-proxy")
KNOBS = re.compile(r"    workers: 8\n    buffer: 64\n    pool: 8\n")
LEAST = 0.9
CONNECTIONS = 256
AS_WRITTEN = "as written: workers 8"
ROOM = 8 + 64
"""Messages that the flow as written has room for; it refuses further callers at once."""


def measure(effort: Effort) -> Section:
    text = (FLOWS / PROXY.config).read_text()
    assert KNOBS.search(text)
    variants = {
        AS_WRITTEN: text,
        "defaults: nothing set": KNOBS.sub("", text),
        f"tuned: workers {CONNECTIONS}": KNOBS.sub(
            f"    workers: {CONNECTIONS}\n    buffer: 1024\n    pool: 8\n", text
        ),
    }
    results: dict[str, list[Result]] = {name: [] for name in variants}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        slow = stack.enter_context(running(backend()))
        servers = {}
        for number, (name, variant) in enumerate(variants.items()):
            path = folder / f"{number}.yaml"
            path.write_text(variant)
            servers[name] = stack.enter_context(running(octo(path, BACKEND_URL=f"http://127.0.0.1:{slow.port}")))
            gate(servers[name], replace(PROXY, name=name))
        for name in there_and_back(list(servers)) * effort.rounds:
            connections = ROOM if name == AS_WRITTEN else CONNECTIONS
            results[name].append(closed(servers[name], PROXY.request, connections, max(2.5, effort.seconds), 1.0))
    rates = [median(each.rate for each in series) for series in results.values()]
    share = rates[1] / rates[2]
    return Section(
        "The proxy",
        f"005 in front of a back end that takes 70 ms, called over {CONNECTIONS} connections at once: with the "
        f"settings of the suite, which have room for {ROOM} callers and get no more, without settings, and with as "
        "many workers as callers.",
        [
            Table(
                ["settings", "requests/s", "CPU-ms per request", "not 200"],
                [
                    [
                        name,
                        spread([it.rate for it in all_], 0),
                        spread([it.cpu_ms for it in all_], 3),
                        sum(it.failed for it in all_),
                    ]
                    for name, all_ in results.items()
                ],
            )
        ],
        budgets=[
            Budget("proxy to a 70 ms back end, defaults of tuned throughput", f">= {LEAST:.0%}", share, share >= LEAST)
        ],
    )
