"""One hanging upstream beside a healthy route: what 3,000 callers of the one cost those of the other."""

from __future__ import annotations

import time
from statistics import median

from bench.figures import spread
from bench.load import Request, Result, opened
from bench.process import octo, running, script
from bench.section import Budget, Effort, Section, Table

CALLERS = 3000
RATE = 200.0
SETTLED = 3.0
"""Seconds until all callers have come once."""
MOST = 2.0
HEALTHY = Request("/healthy", '{"price": 3, "quantity": 14}')


def measure(effort: Effort) -> Section:
    """Compare the p99 of the healthy route before the callers come and while they wait."""
    seconds = max(5.0, effort.seconds)
    quiet: list[Result] = []
    crowded: list[Result] = []
    for _ in range(max(2, effort.rounds)):
        with (
            running(script("callers")) as upstream,
            running(octo("tenants.yaml", UPSTREAM_URL=f"http://127.0.0.1:{upstream.port}")) as server,
        ):
            quiet.append(opened(server, HEALTHY, RATE, seconds, effort.warm))
            with running(script("callers", str(server.port), str(CALLERS))):
                time.sleep(SETTLED)
                crowded.append(opened(server, HEALTHY, RATE, seconds, effort.warm))
    ratio = median(each.p99 for each in crowded) / median(each.p99 for each in quiet)
    failed = sum(each.failed for each in (*quiet, *crowded))
    return Section(
        "One tenant beside another",
        f"{CALLERS:,} callers of a route whose upstream never answers, beside a route that works, on one listener with "
        f"default settings. The first flow has room for 512 messages; further callers get 503 at once and come back "
        f"after about ten seconds. The other route gets {RATE:g} requests per second in the open model.",
        [
            Table(
                ["the other route", "p50 ms", "p99 ms", "longest ms", "not 200"],
                [
                    [
                        name,
                        spread([each.p50 for each in series]),
                        spread([each.p99 for each in series]),
                        spread([each.longest for each in series]),
                        sum(each.failed for each in series),
                    ]
                    for name, series in (("alone", quiet), ("beside the hanging one", crowded))
                ],
            )
        ],
        budgets=[
            Budget(
                f"p99 of a route beside {CALLERS:,} callers of a hanging upstream, of its p99 alone",
                f"< {MOST:g}",
                ratio,
                ratio < MOST and not failed,
                f"{failed} requests failed",
            )
        ],
    )
