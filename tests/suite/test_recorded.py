"""A recorded message becomes a test that passes and calls nothing outside."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
import yaml

from octo.config.load import load, parse
from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine.invoke import invoke
from octo.suite import Configs, exit_code, plan, run_case
from octo.suite.recorded import Unusable, made_of, suite_of
from octo.testing import clock
from octo.testing.probe import history, probes
from octo.trace.encode import encode
from octo.trace.packed import records
from octo.trace.recorder import Recorder

STARTED = "2026-03-29T00:30:00.123456789Z"
PAUSE = 0.076543211
"""Seconds that `wait` takes. After it the clock shows 00:30:00.2, which is written with fewer digits than STARTED."""

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - name: orders
    process:
      - {type: note, connector: p, name: check, value: body.id}
      - type: foreach
        items: body.lines
        as: line
        body:
          - type: if
            condition: vars.line > 0
            then: [{type: note, connector: p, name: reserve, value: vars.line}]
            else: [{type: fail, connector: p, name: refuse, text: no such line}]
      - {type: set-variable, settings: {name: httpStatus, value: '201'}}
      - {type: set-payload, value: '{"id": body.id, "lines": body.lines.size()}'}
"""


@pytest.fixture
def recorded(plugins):
    """Run a message in virtual time and return its trace."""

    def run(body, text=FLOWS, **options):
        kept = []
        observer = Recorder(kept.append, **options)
        with contextlib.suppress(Failure):
            clock.run(_run(parse(text, plugins, {}), Message(body), observer), start=STARTED)
        return records(encode(kept[0]).data)

    return run


async def _run(config, message, observer):
    asyncio.get_running_loop().call_later(PAUSE, lambda: [each.gate("go").set() for each in probes.values()])
    await invoke(config, "orders", message, 5.0, observer)


@pytest.fixture
def passes(tmp_path: Path, plugins):
    """Run a suite against the flows; return the exit code that `octo test` would end with."""

    def run(suite, text=FLOWS):
        (tmp_path / "flow.yaml").write_text(text)
        (tmp_path / "flow_test.yaml").write_text(yaml.safe_dump(suite))
        configs = Configs(lambda path, environ: load(path, plugins, environ))
        cases = plan([tmp_path / "flow_test.yaml"], configs).cases
        return exit_code(run_case(case, configs) for case in cases)

    return run


def test_a_message_that_completed_is_a_test_that_passes(recorded, passes, plugins):
    suite = suite_of(recorded({"id": 7, "lines": [1, 2]}), parse(FLOWS, plugins, {}))
    history.clear()

    assert passes(suite) == 0
    assert history == []  # not even opened
    assert suite["cases"][0]["expect"] == {"body": {"id": 7, "lines": 2}, "vars": {"httpStatus": 201}}


def test_the_test_notices_when_the_flow_changes(recorded, passes, plugins):
    suite = suite_of(recorded({"id": 7, "lines": [1, 2]}), parse(FLOWS, plugins, {}))

    assert passes(suite, FLOWS.replace("'201'", "'200'")) == 1


def test_a_failure_is_expected_as_it_was(recorded, passes, plugins):
    suite = suite_of(recorded({"id": 7, "lines": [1, 0]}), parse(FLOWS, plugins, {}))

    assert "no such line" in suite["cases"][0]["expect"]["error"]
    assert suite["mocks"]["orders.foreach[body].if[else].refuse"] == {"default": {"error": "no such line"}}
    assert passes(suite) == 0


def test_a_call_that_was_not_made_then_fails_now(recorded, plugins):
    suite = suite_of(recorded({"id": 7, "lines": []}), parse(FLOWS, plugins, {}))

    assert "was not made when the message was recorded" in str(suite["mocks"]["orders.foreach[body].if[then].reserve"])


def test_several_answers_of_one_block_are_told_apart_by_what_was_asked(recorded, plugins):
    trace = recorded({"id": 1, "lines": [1, 2]})
    for record in trace:
        if record.get("path") == "orders.foreach[body].if[then].reserve":
            record["output"] = {"body": {"reserved": record["span"]}}
    mock = suite_of(trace, parse(FLOWS, plugins, {}))["mocks"]["orders.foreach[body].if[then].reserve"]

    assert [case["when"] for case in mock["cases"]] == ["vars.line == 1", "vars.line == 2"]


def test_what_the_trace_left_out_is_not_made_up(recorded, plugins):
    with pytest.raises(Unusable, match="left out"):
        suite_of(recorded({"id": "x" * 50_000, "lines": []}), parse(FLOWS, plugins, {}))
    with pytest.raises(Unusable, match="more blocks than the trace holds"):
        suite_of(recorded({"id": 1, "lines": [1, 2, 3]}, most_blocks=3), parse(FLOWS, plugins, {}))


HIDING = """
flows:
  - name: orders
    mask: [card]
    process:
      - {type: set-variable, settings: {name: began, value: now}}
      - {type: set-payload, value: '{"card": body.card, "n": body.n, "time": now, "year": now.getFullYear()}'}
"""


def test_what_was_masked_is_not_asserted_and_the_time_is_what_it_was(recorded, passes, plugins):
    made = made_of(recorded({"card": "4111111111111111", "n": 1}, HIDING), parse(HIDING, plugins, {}))

    assert (made.masked, made.unasserted) == (["input.data.card"], ["body.card"])
    assert passes(made.suite, HIDING) == 0
    assert passes(made.suite, HIDING.replace("body.n,", "body.n + 1,")) == 1
    assert passes(made.suite, HIDING.replace('"time": now', '"time": timestamp(0)')) == 1


@pytest.mark.parametrize(("first", "second"), [("vars.began", "now"), ("now", "vars.began")])
def test_of_two_looks_at_the_clock_the_first_in_the_body_is_what_it_was(recorded, passes, plugins, first, second):
    text = f"""
connectors: [{{name: p, type: probe}}]
flows:
  - name: orders
    process:
      - {{type: set-variable, settings: {{name: began, value: now}}}}
      - {{type: wait, connector: p}}
      - {{type: set-payload, value: '{{"one": {first}, "other": {second}}}'}}
"""
    made = made_of(recorded(1, text), parse(text, plugins, {}))

    assert made.unasserted == ["body.other"]
    assert passes(made.suite, text) == 0


def test_a_failure_is_expected_without_what_was_masked(recorded, passes, plugins):
    text = HIDING.replace("body.card, ", "int(body.card), ")
    suite = suite_of(recorded({"card": "4111-1111", "n": 1}, text), parse(text, plugins, {}))

    assert "«" not in suite["cases"][0]["expect"]["error"]
    assert passes(suite, text) == 0


def test_a_variable_that_is_not_always_there_tells_nothing_apart(recorded, passes, plugins):
    text = """
connectors: [{name: p, type: probe}]
flows:
  - name: orders
    process:
      - type: foreach
        items: "[1, 2]"
        as: line
        body:
          - {type: note, connector: p, name: ask, value: vars.line}
          - {type: set-variable, settings: {name: got, value: vars.line}}
"""
    trace = recorded({}, text)
    for record in trace:
        if record.get("path") == "orders.foreach[body].ask":
            record["output"] = {"body": record["span"]}
    suite = suite_of(trace, parse(text, plugins, {}))

    [case, _] = suite["mocks"]["orders.foreach[body].ask"]["cases"]
    assert case["when"] == "vars.line == 1"


def test_one_way_calls_under_the_same_id_answer_as_they_did(passes, plugins):
    text = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process: [{type: flow-ref, flow: g, oneWay: true}]
  - name: g
    process: [{type: note, connector: p, value: body}]
"""
    kept = []
    asyncio.run(invoke(parse(text, plugins, {}), "f", Message(1), 5.0, Recorder(kept.append)))
    trace = [record for each in kept for record in records(encode(each).data)]
    suite = suite_of(trace, parse(text, plugins, {}))

    assert (suite["flow"], suite["mocks"]) == ("f", {"g.note": {"default": {"body": 1}}})
    assert passes(suite, text) == 0


def test_a_flow_that_is_gone_is_said_so(recorded, plugins):
    with pytest.raises(Unusable, match='the flow "orders"'):
        suite_of(recorded({"id": 1, "lines": []}), parse("flows: [{name: other}]", plugins, {}))


def test_an_empty_trace_is_none(plugins):
    with pytest.raises(Unusable, match="empty"):
        suite_of([], parse(FLOWS, plugins, {}))
