"""The suite measures what it says: its bodies, its flows, its arithmetic, its page. These tests time nothing."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from bench import bodies, report
from bench.cases import CASES, WrongAnswer, gate, missing, served
from bench.figures import growth, quantile, quickest_of, slope, spread, there_and_back
from bench.load import Request, closed, opened
from bench.measures import agents
from bench.measures.proxy import KNOBS
from bench.process import backend, cpu_seconds, memory, running
from bench.section import Budget, Plot, Section, Table
from bench.svg import draw
from octo.builtin import plugins
from octo.config.load import load
from octo.core.expressions import Build
from octo.core.message import Message
from octo.expr import compile as build


def test_bodies_have_the_sizes_of_the_published_suite():
    text, count = bodies.records(1024)
    assert (len(text) >= 1024, count) == (True, 8)
    assert bodies.records(1048576)[1] == 7584
    assert len(json.loads(bodies.order())["lines"]) == 8
    assert bodies.csv(9).count("\n") == 9


def test_every_flow_is_right_or_says_what_is_missing():
    from bench.machine import FLOWS

    for case in CASES:
        if not missing(case):
            load(FLOWS / case.config, plugins(), {})
    assert all(missing(case).startswith("no ") for case in CASES if missing(case))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_each_flow_answers_as_stated(case):
    """The flows are those of the public benchmark, unchanged."""
    with served((case,)) as answered:
        assert len(answered) == 1


def test_expressions_by_hand_do_the_same_work():
    from bench.expressions import BODY, EXPRESSIONS, VARS

    message = Message(BODY, VARS)
    for each in EXPRESSIONS:
        assert build(each.cel, Build().scope()).function(message) == each.by_hand(message), each.name


async def test_an_agent_and_the_bare_calls_end_as_they_are_compared():
    """Each work checks its answer; the bare calls are those that the agent has made."""
    async with AsyncExitStack() as stack:
        works = await agents._works(stack)
        for work in works.values():
            await work()

    assert len(works) == 4


def test_proxy_finds_the_settings_it_varies():
    from bench.machine import FLOWS

    assert KNOBS.search((FLOWS / "005-proxy.yaml").read_text())


# --- arithmetic --------------------------------------------------------------------------------------------------


def test_quantiles_and_slopes():
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.99) == 4.0
    assert quantile([], 0.5) == 0.0
    assert slope([0, 1, 2], [1, 3, 5]) == pytest.approx(2)
    assert growth([1, 10, 100], [5, 500, 50_000]) == pytest.approx(2)


def test_a_median_shows_its_whole_range():
    assert spread([3.0, 1.0, 2.0]) == "2.00 (1.00-3.00)"
    assert spread([1234.5], 0) in ("1,234", "1,235")
    assert there_and_back("ab") == ["a", "b", "b", "a"]


def test_what_is_compared_is_measured_in_turns():
    order: list[str] = []
    times = quickest_of([lambda: order.append("a"), lambda: order.append("b")], 1e-6, 2)

    assert len(times) == 2
    assert order[-1] == "a"


# --- load --------------------------------------------------------------------------------------------------------


def test_load_counts_answers_and_the_servers_time():
    with running(backend(1, 512)) as server:
        several = closed(server, Request("/", method="GET"), connections=3, seconds=0.2, warm=0.1)
        paced = opened(server, Request("/", method="GET"), rate=100, seconds=0.3, warm=0.1)

        assert cpu_seconds(server.pid) > 0
        assert 0 < memory(server.pid)[0] <= memory(server.pid)[1]
    assert set(several.statuses) == {"200"}
    assert several.done > 0
    assert 0 < several.p50 <= several.p95 <= several.longest
    assert paced.offered == pytest.approx(30, abs=1)
    assert (paced.statuses, paced.failed) == ({"200": paced.offered}, 0)


def test_a_wrong_answer_is_not_measured():
    wrong = replace(CASES[1], right=lambda _: False)
    with running(backend(1, 512)) as server, pytest.raises(WrongAnswer, match="002-fanout answered 200"):
        gate(server, wrong)


# --- page --------------------------------------------------------------------------------------------------------

SECTION = Section(
    "A section",
    "What it is.",
    [Table(["what", "ms"], [["a|b", 1234.5]])],
    [Plot("plot", "T < U", "x", "y", {"one": [(1, 2), (10, 3)]}, log=True)],
    [Budget("speed", ">= 2", 1.5, False, "because", "x"), Budget("size", "<= 2", None, None, "no scale here")],
    ["Not there: 001."],
)
RESULT = {
    "suite": "short",
    "at": "2026-01-01",
    "machine": {"Octo": "abc", "Python": "3"},
    "load": "0.10 0.20 0.30",
    "took": 61.0,
    "section": SECTION.as_json(),
}


def test_a_page_says_what_is_missed_and_where_it_comes_from():
    failed = {**{key: value for key, value in RESULT.items() if key != "section"}, "failed": "Oops: x"}
    page = report.page({"one": json.loads(json.dumps(RESULT)), "two": failed})

    assert page.startswith("# Performance\n\nOcto meets 0 of the 2 budgets")
    assert "| speed | >= 2 | 1.50x | **missed** | because |" in page
    assert "| a\\|b | 1,234.5 |" in page
    assert "- size: not measured, budget <= 2. no scale here" in page
    assert "- `two` did not run: Oops: x" in page
    assert "Octo abc, load average 0.10" in page


def test_a_page_opens_with_what_most_come_for():
    table = Table(["server", "requests/s"], [["flow of 4 CEL blocks", "27,618 (27,021-28,187)"]])
    page = report.page({"ceiling": {**RESULT, "section": Section("The ceiling", tables=[table]).as_json()}})

    assert "| a flow of 4 CEL blocks over HTTP, on one CPU: requests/s | 27,618 |" in page
    assert page.index("27,618 |") < page.index("## ")


def test_plots_are_well_formed():
    for log in (True, False):
        root = ET.fromstring(draw(replace(SECTION.plots[0], log=log)))
        assert root.tag.endswith("svg")
        assert len(root.findall(".//{*}polyline")) == 1
