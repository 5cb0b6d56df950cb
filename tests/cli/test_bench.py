"""octo bench measures one flow. What it counts is right; nothing is promised about speed."""

from __future__ import annotations

import importlib
import json

import pytest
from click.testing import CliRunner

FLOWS = """
flows:
  - name: greet
    workers: 2
    process:
      - {type: set-variable, name: who, settings: {name: who, value: body.name}}
      - type: if
        name: known
        condition: vars.who == "Ada"
        then: [{type: set-payload, name: greeting, value: '"hello, " + vars.who'}]
      - {type: flow-ref, settings: {flow: inner}}
  - name: inner
    process: [{type: set-variable, name: deep, settings: {name: deep, value: '1'}}]
  - name: wait
    workers: 2
    process: [{type: python, name: nap, call: "bench_napping:nap"}]
  - name: drop
    process: [{type: filter, expr: 'false', reason: not today}]
  - name: fail
    process: [{type: set-payload, value: body.missing}]
"""
NAPPING = """
import asyncio


async def nap(body):
    await asyncio.sleep(0.001)
    return body
"""


@pytest.fixture
def flows(tmp_path):
    (tmp_path / "bench_napping.py").write_text(NAPPING)
    path = tmp_path / "flows.yaml"
    path.write_text(FLOWS)
    return str(path)


@pytest.fixture
def bench(flows):
    """Run `octo bench` on a flow for a moment. Return click's result."""
    verb = importlib.import_module("octo.cli.bench").command

    def run(flow, *arguments, duration="80ms"):
        given = ["--config", flows, "--flow", flow, "--data", '{"name":"Ada"}', "--duration", duration, *arguments]
        return CliRunner().invoke(verb, given, prog_name="octo bench")

    return run


@pytest.fixture
def report(bench):
    """Run it with `--format json`. Return the parsed report."""

    def run(flow, *arguments):
        result = bench(flow, *arguments, "--format", "json")
        return result.exit_code, json.loads(result.stdout)

    return run


def test_a_curve_of_ever_more_callers(report):
    code, said = report("greet")

    levels = [window["concurrency"] for window in said["windows"]]
    assert code == 0
    assert levels == [2**power for power in range(len(levels))]
    assert all(window["completed"] > 0 and window["failed"] == 0 for window in said["windows"])
    assert all(window["p50"] <= window["p95"] <= window["p99"] <= window["longest"] for window in said["windows"])
    assert (said["workers"], said["suggested"] >= 1) == (2, True)


def test_so_many_callers(report):
    _, said = report("wait", "--concurrency", "5")

    [window] = said["windows"]
    assert (window["concurrency"], window["rate"]) == (5, None)
    assert window["completed"] >= 5
    assert window["service"] >= 1
    assert window["waiting"] > 0


def test_a_rate_sends_what_is_due(report):
    code, said = report("wait", "--rate", "200")

    [window] = said["windows"]
    assert code == 0
    assert (window["rate"], window["completed"], window["unsent"]) == (200, 16, 0)


def test_every_block_is_timed_by_its_address(report):
    _, said = report("greet", "--concurrency", "1")

    calls = {each["address"]: each["calls"] for each in said["blocks"]}
    assert {"greet.who", "greet.known", "greet.known[then].greeting", "inner.deep"} <= set(calls)
    assert len(set(calls.values())) == 1
    times = [each["seconds"] for each in said["blocks"]]
    assert times == sorted(times, reverse=True)


def test_blocks_that_wait_are_timed_to_their_end(report):
    _, said = report("wait", "--concurrency", "1")

    [nap] = said["blocks"]
    assert nap["seconds"] / nap["calls"] >= 0.001


def test_drops_are_counted(report):
    code, said = report("drop", "--concurrency", "1")

    assert code == 1
    assert said["windows"][0]["dropped"] > 0
    assert said["windows"][0]["completed"] == 0


def test_failures_are_counted_and_the_first_is_told_once(bench, report):
    code, said = report("fail", "--concurrency", "1")

    assert code == 1
    assert said["windows"][0]["failed"] > 0
    assert "missing" in said["first_failure"]
    stderr = bench("fail", "--concurrency", "1").stderr
    assert stderr.count("missing") == 1
    assert "Traceback" not in stderr


def test_text_says_what_it_rests_on(bench):
    result = bench("greet")

    assert result.exit_code == 0
    assert "greet.known[then].greeting" in result.stdout
    assert "Little's law" in result.stdout
    assert "workers: 2 now" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [["--rate", "0"], ["--concurrency", "0"], ["--rate", "1", "--concurrency", "1"], ["--data", "{"], ["--vars", "1"]],
)
def test_bad_usage_is_2(bench, arguments):
    assert bench("greet", *arguments).exit_code == 2


def test_unknown_flow_and_duration(bench):
    assert "Flows: greet" in bench("gret").stderr
    assert "is not a duration" in bench("greet", duration="soon").stderr
