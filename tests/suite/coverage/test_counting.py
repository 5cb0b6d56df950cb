"""Coverage counts what ran, and only that."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from octo.config.load import load, parse
from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine.invoke import invoke
from octo.engine.observe import Observer, Observers
from octo.suite.coverage import Coverage
from octo.testing.harness import running

FLOWS = """
connectors: [{name: probe, type: probe}]
flows:
  - name: orders
    process:
      - type: if
        condition: body.total > 100 && body.vip
        then: [{type: set-payload, value: '"big"'}]
      - type: switch
        cases:
          - {when: body == "big", name: large, process: []}
          - {when: body.total < 0, process: [{type: fail, connector: probe, settings: {how: transient}}]}
    error:
      - {type: set-payload, value: '"saved"'}
  - name: never
    process: [{type: set-payload, value: 'body ? 1 : 2'}]
"""


async def covered(plugins, text, *bodies, flow="f", observer=None):
    """Run a flow with each of the bodies; return the outcomes of its items by kind and text."""
    coverage = Coverage()
    async with running(text, plugins, observer=observer(coverage) if observer else coverage) as app:
        coverage.add(app.generation.config)
        for body in bodies:
            with contextlib.suppress(Failure):
                await app.call(flow, body)
    return coverage.result()


def of(result, kind):
    return {
        item.text if kind == "decision" else item.address: item.outcomes for item in result.walk() if item.kind == kind
    }


async def test_blocks_are_counted_at_any_depth(plugins):
    result = await covered(plugins, FLOWS, {"total": 500, "vip": True}, {"total": 1}, flow="orders")

    assert of(result, "block") == {
        "orders.if": {"ran": 2},
        "orders.if[then].set-payload": {"ran": 1},
        "orders.switch": {"ran": 2},
        "orders.switch[1].fail": {"ran": 0},
        "orders[error].set-payload": {"ran": 0},
        "never.set-payload": {"ran": 0},
    }


async def test_branches_are_counted_with_and_without_blocks(plugins):
    result = await covered(plugins, FLOWS, {"total": 500, "vip": True}, {"total": -1}, flow="orders")

    assert of(result, "branch") == {
        "orders.if[then]": {"ran": 1},
        "orders.if[else]": {"passed": 1},
        "orders.switch[large]": {"ran": 1},
        "orders.switch[1]": {"ran": 1},
        "orders.switch[default]": {"passed": 0},
    }


async def test_a_message_passes_where_no_branch_is_written(plugins):
    result = await covered(plugins, FLOWS, {"total": 1}, {"total": 2}, flow="orders")

    assert of(result, "branch")["orders.if[else]"] == {"passed": 2}
    assert of(result, "branch")["orders.switch[default]"] == {"passed": 2}


async def test_no_message_passes_where_the_last_condition_is_always_true(plugins):
    text = """
flows:
  - name: f
    process:
      - {type: switch, cases: [{when: body > 1, process: []}, {when: true, process: []}]}
      - {type: if, condition: true, then: []}
"""
    result = await covered(plugins, text, 0)

    assert of(result, "branch") == {"f.switch[0]": {"ran": 0}, "f.switch[1]": {"ran": 1}, "f.if[then]": {"ran": 1}}


async def test_a_failed_block_is_said_so_and_its_error_chain_counted(plugins):
    result = await covered(plugins, FLOWS, {"total": -1}, flow="orders")

    assert of(result, "error") == {"orders[error]": {"ran": 1}}
    assert {item.address: item.failed for item in result.walk() if item.failed} == {
        "orders.switch": 1,
        "orders.switch[1].fail": 1,
    }


async def test_a_block_that_waits_before_it_fails_is_said_so_too(plugins):
    text = """
flows:
  - name: f
    process:
      - {type: if, condition: body > 0, then: [{type: set-payload, value: body - 1}, {type: flow-ref, flow: f}]}
      - {type: set-payload, value: 1 / body}
"""
    result = await covered(plugins, text, 1)

    assert {item.address: (item.hits, item.failed) for item in result.walk() if item.kind == "block"} == {
        "f.if": (2, 1),
        "f.if[then].set-payload": (1, 0),
        "f.if[then].flow-ref": (1, 1),
        "f.set-payload": (1, 1),
    }


async def test_decisions_are_counted_both_ways(plugins):
    result = await covered(plugins, FLOWS, {"total": 500, "vip": True}, {"total": 1}, flow="orders")

    assert of(result, "decision") == {
        "body.total > 100 && body.vip": {"true": 1, "false": 1},
        "body.total > 100": {"true": 1, "false": 1},
        "body.vip": {"true": 1, "false": 0},
        'body == "big"': {"true": 1, "false": 1},
        "body.total < 0": {"true": 0, "false": 1},
        "body": {"true": 0, "false": 0},
    }


async def test_decisions_in_every_kind_of_expression_are_counted(plugins):
    text = """
flows:
  - name: f
    process:
      - {type: filter, expr: body.ok}
      - {type: set-variable, settings: {name: list, value: 'body.many ? [1, 2, 3] : []'}}
      - {type: log, level: error, message: 'body.many ? "many" : "none"'}
      - {type: foreach, items: 'body.many ? vars.list : []', body: [{type: set-payload, value: vars.item}]}
"""
    result = await covered(plugins, text, {"ok": True, "many": True}, {"ok": False})

    assert [(item.text, item.at.line, item.outcomes) for item in result.walk() if item.kind == "decision"] == [
        ("body.ok", 5, {"true": 1, "false": 1}),
        ("body.many", 6, {"true": 1, "false": 0}),
        ("body.many", 7, {"true": 1, "false": 0}),
        ("body.many", 8, {"true": 1, "false": 0}),
    ]
    assert of(result, "branch") == {"f.foreach[body]": {"ran": 3}}


async def test_forks_and_recoveries_are_branches(plugins):
    text = """
flows:
  - name: f
    process:
      - type: fork
        branches: [{name: a, process: [{type: log, message: body}]}, []]
      - type: handle-errors
        process: [{type: set-payload, value: 1 / body}]
        error: [{type: set-payload, value: body}]
"""
    result = await covered(plugins, text, 0, 5)

    assert of(result, "branch") == {
        "f.fork[a]": {"ran": 2},
        "f.fork[1]": {"ran": 2},
        "f.handle-errors[process]": {"ran": 2},
    }
    assert of(result, "error") == {"f.handle-errors[error]": {"ran": 1}}


async def test_a_flow_that_was_never_called_is_missed_as_a_whole(plugins):
    result = await covered(plugins, FLOWS, flow="orders")

    assert [flow.calls for file in result.files for flow in file.flows] == [0, 0]
    assert result.percent == 0
    assert len(result.missing()) == len(list(result.walk()))


async def test_calls_of_other_flows_and_rounds_are_counted(plugins):
    text = """
flows:
  - name: f
    process:
      - {type: foreach, items: body, body: [{type: flow-ref, flow: g}]}
  - {name: g, process: [{type: log, message: body}]}
"""
    result = await covered(plugins, text, [1, 2], [3])

    assert [(flow.name, flow.calls) for file in result.files for flow in file.flows] == [("f", 2), ("g", 3)]


class Mock(Observer):
    """Replaces every `if`."""

    def step(self, step):
        return step._replace(call=lambda message: message) if step.type == "if" else step


async def test_what_is_inside_a_block_that_another_stands_in_for_is_not_covered(plugins):
    result = await covered(
        plugins, FLOWS, {"total": 500, "vip": True}, flow="orders", observer=lambda each: Observers([Mock(), each])
    )

    assert of(result, "block")["orders.if"] == {"ran": 1}
    assert of(result, "block")["orders.if[then].set-payload"] == {"ran": 0}
    assert of(result, "branch")["orders.if[else]"] == {"passed": 0}
    assert of(result, "decision")["body.vip"] == {"true": 0, "false": 0}


async def test_flows_answer_as_they_would_unwatched(plugins):
    coverage = Coverage()
    text = "flows: [{name: f, process: [{type: filter, expr: body.n > 1 || body.m, reason: small}]}]"
    async with running(text, plugins) as plain, running(text, plugins, observer=coverage) as watched:
        coverage.add(watched.generation.config)
        for body in ({"n": 2}, {"n": 0, "m": False}, {"n": 0}, {"n": 0, "m": 7}, 5):
            assert await told(plain, body) == await told(watched, body)


async def told(app, body):
    try:
        outcome = await app.call("f", body)
    except Failure as failure:
        return str(failure), failure.at, failure.address, failure.cause.code
    return outcome.body if isinstance(outcome, Message) else outcome


def test_threads_count_together(plugins):
    coverage = Coverage()

    def case(number):
        config = parse(FLOWS, plugins, {})
        coverage.add(config)
        for _ in range(20):
            asyncio.run(invoke(config, "orders", Message({"total": number % 2 * 500, "vip": True}), 60, coverage))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(case, range(8)))

    result = coverage.result()
    assert of(result, "block")["orders.if"] == {"ran": 160}
    assert of(result, "decision")["body.total > 100"] == {"true": 80, "false": 80}


def test_flows_of_the_same_name_in_two_files_are_two(plugins, tmp_path):
    coverage = Coverage()
    for name, value in (("a", "body ? 1 : 2"), ("b", "body ? 3 : 4")):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"flows: [{{name: f, process: [{{type: set-payload, value: '{value}'}}]}}]")
        config = load(path, plugins, {})
        coverage.add(config)
        asyncio.run(invoke(config, "f", Message(name == "a"), 60, coverage))

    files = coverage.result().files
    assert [file.source.count("set-payload") for file in files] == [1, 1]
    assert [[item.outcomes for item in file.flows[0].walk()] for file in files] == [
        [{"ran": 1}, {"true": 1, "false": 0}],
        [{"ran": 1}, {"true": 0, "false": 1}],
    ]


def test_a_flow_whose_name_is_an_address_keeps_its_own_counts(plugins):
    text = """
flows:
  - {name: a, process: [{type: log, name: b, message: body}]}
  - {name: a.b, process: [{type: log, name: c, message: body}]}
"""
    coverage = Coverage()
    config = parse(text, plugins, {})
    coverage.add(config)
    asyncio.run(invoke(config, "a", Message(1), 60, coverage))

    assert [flow.calls for flow in coverage.result().files[0].flows] == [1, 0]


def test_what_the_environment_put_into_an_expression_is_not_shown(plugins):
    text = """
env: [{name: KEY}]
flows: [{name: f, process: [{type: filter, expr: 'body == "${KEY}" || vars.x'}]}]
"""
    coverage = Coverage()
    coverage.add(parse(text, plugins, {"KEY": "s3cret-token"}))

    assert "s3cret" not in str(coverage.result())
    assert [item.text for item in coverage.result().walk() if item.kind == "decision"] == ["expr"] * 3


def test_the_same_configuration_may_be_declared_twice(plugins):
    coverage = Coverage()
    config = parse(FLOWS, plugins, {})
    coverage.add(config)
    coverage.add(config)
    asyncio.run(invoke(config, "never", Message(True), 60, coverage))

    assert of(coverage.result(), "decision")["body"] == {"true": 1, "false": 0}


def test_a_block_that_answers_nonsense_fails_as_it_would_unwatched(plugins):
    class Nonsense(Observer):
        def step(self, step):
            return step._replace(call=lambda _: 7)

    coverage = Coverage()
    config = parse(FLOWS, plugins, {})
    with pytest.raises(Failure, match="the block returned int"):
        asyncio.run(invoke(config, "never", Message(True), 60, Observers([Nonsense(), coverage])))
