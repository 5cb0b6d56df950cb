"""A recorded message runs through the current files; differences are reported, and nothing outside is called."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from octo.config.load import load, parse
from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine.invoke import invoke
from octo.suite import Configs
from octo.suite.replay import replay
from octo.testing.probe import history
from octo.trace.encode import encode
from octo.trace.packed import records
from octo.trace.recorder import Recorder

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - {type: note, connector: p, name: tell, value: body.n}
      - {type: set-payload, name: add, value: '{"n": body.n + 1}'}
      - {type: flow-ref, flow: g}
  - name: g
    process: [{type: set-variable, settings: {name: seen, value: body.n}}]
"""


@pytest.fixture
def replayed(tmp_path: Path, plugins):
    """Record a message in FLOWS and replay it in other flows; return {path: (kind, differences)} and the verdict."""

    def run(today, body=None, then=FLOWS):
        kept = []
        message = Message({"n": 1} if body is None else body)
        with contextlib.suppress(Failure):
            asyncio.run(invoke(parse(then, plugins, {}), "f", message, 5.0, Recorder(kept.append)))
        trace = records(encode(kept[0]).data)
        history.clear()
        file = tmp_path / "flow.yaml"
        file.write_text(today)
        configs = Configs(lambda path, environ: load(path, plugins, environ))
        found = replay(trace, configs, file)
        assert history == []
        steps = {
            step.path: (step.kind, [f"{each.path}: {each.what}" for each in step.differences]) for step in found.steps
        }
        return steps, found.is_same

    return run


def test_the_same_files_do_the_same(replayed):
    steps, same = replayed(FLOWS)

    assert same
    assert {kind for kind, _ in steps.values()} == {"same"}
    assert list(steps) == ["f", "f.tell", "f.add", "f.flow-ref", "g", "g.set-variable"]


def test_of_one_way_calls_under_the_same_id_nothing_is_replayed(tmp_path, plugins):
    text = "flows: [{name: f, process: [{type: flow-ref, flow: g, oneWay: true}]}, {name: g, process: []}]"
    file = tmp_path / "flow.yaml"
    file.write_text(text)
    kept = []
    asyncio.run(invoke(parse(text, plugins, {}), "f", Message(1), 5.0, Recorder(kept.append)))
    trace = [record for each in kept for record in records(encode(each).data)]
    found = replay(trace, Configs(lambda path, environ: load(path, plugins, environ)), file)

    assert [each.site.flow for each in kept] == ["f", "g"]
    assert found.is_same
    assert [(step.path, step.kind) for step in found.steps] == [("f", "same"), ("f.flow-ref", "same")]


def test_what_was_masked_and_the_time_are_not_called_different(tmp_path, plugins, monkeypatch):
    text = """
env: [{name: KEY, secret: true, default: ""}]
flows:
  - name: f
    mask: [card]
    process:
      - {type: set-variable, settings: {name: began, value: now}}
      - {type: set-payload, value: '{"key": "Bearer " + env.KEY, "card": body.card, "time": now}'}
      - {type: set-variable, settings: {name: ended, value: now}}
"""
    file = tmp_path / "flow.yaml"
    file.write_text(text)
    kept = []
    config = parse(text, plugins, {"KEY": "a-key-of-last-night"})
    asyncio.run(invoke(config, "f", Message({"card": 4111111111}), 5.0, Recorder(kept.append)))
    trace = records(encode(kept[0]).data)

    def steps():
        return replay(trace, Configs(lambda path, environ: load(path, plugins, environ)), file).steps

    assert trace[0]["output"]["body"]["key"] == "Bearer «secret»"
    assert {step.kind for step in steps()} == {"same"}
    file.write_text(text.replace("Bearer ", "Basic "))
    assert steps()[0].kind == "changed"


def test_another_result_is_told_where_it_first_differs(replayed):
    steps, same = replayed(FLOWS.replace("body.n + 1", "body.n + 2"))

    assert not same
    assert steps["f.tell"] == ("same", [])
    assert steps["f.add"] == ("changed", ["body.n: want 2, got 3"])
    assert steps["f"][0] == "changed"


def test_blocks_that_came_and_went_are_told(replayed):
    steps, same = replayed(FLOWS.replace("name: add", "name: increase"))

    assert same  # only the result of the flow counts
    assert (steps["f.add"][0], steps["f.increase"][0]) == ("gone", "new")


def test_a_flow_that_now_fails_says_why(replayed):
    steps, same = replayed(FLOWS.replace("body.n + 1", "body.m"))

    assert not same
    assert "was completed, is failed" in steps["f"][1][0]
    assert "no such key: m" in steps["f"][1][0]


def test_a_failure_that_is_mended_is_told_too(replayed):
    steps, same = replayed(FLOWS.replace("body.n + 1", "0"), body={"n": "text"})

    assert not same
    assert steps["f"][1] == [": was failed, is completed"]


RETRIED = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: retry
        minBackoff: 1ms
        process:
          - type: if
            condition: vars.attempt < 3
            then: [{type: fail, connector: p, how: transient}]
            else: [{type: stop, connector: p, value: vars.attempt}]
      - {type: set-payload, value: '0'}
"""


def test_attempts_and_their_errors_come_back_as_they_were(replayed):
    """What was tried again must be tried again, so the mock of a call fails with the kind of error that it had."""
    steps, same = replayed(RETRIED, then=RETRIED)

    assert same
    assert {found for found, _ in steps.values()} == {"same"}
    assert "f.set-payload" not in steps  # the stop came back, too
