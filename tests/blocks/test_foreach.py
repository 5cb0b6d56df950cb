"""foreach runs a chain for every element, in order or mapped."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.flow import Drop, Failure
from octo.testing.clock import settle, virtual
from octo.testing.harness import running
from octo.testing.probe import probes

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - name: sum
    process:
      - {type: set-variable, settings: {name: total, value: '0'}}
      - type: foreach
        items: body
        as: n
        body:
          process: [{type: set-variable, settings: {name: total, value: vars.total + vars.n}}]
  - name: double
    process:
      - type: foreach
        items: body
        mode: map
        body: [{type: set-payload, value: vars.item * 2}]
  - name: odd
    process:
      - type: foreach
        items: body
        mode: map
        body: [{type: filter, expr: vars.item % 2 == 1}, {type: set-payload, value: vars.item}]
  - name: told
    process:
      - type: foreach
        items: body
        mode: map
        concurrency: 2
        body: [{type: filter, expr: vars.item % 2 == 1}, {type: set-payload, value: '[vars.item, vars.mine]'}]
  - name: told-in-order
    process:
      - type: foreach
        items: body
        mode: map
        body: [{type: filter, expr: vars.item % 2 == 1}, {type: set-payload, value: '[vars.item, vars.mine]'}]
  - name: until
    process:
      - type: foreach
        items: body
        body: [{type: filter, expr: vars.item > 0, reason: not positive}]
  - name: wait
    process:
      - type: foreach
        items: body
        mode: map
        concurrency: 3
        body: [{type: wait, connector: p}, {type: set-payload, value: vars.item}]
  - name: fail
    process:
      - type: foreach
        items: body
        mode: map
        body: [{type: set-payload, value: '"changed"'}, {type: fail, connector: p}]
    error:
      - {type: set-payload, value: '[body, has(vars.item), vars.error.path]'}
"""


@pytest.fixture
async def app(plugins):
    async with running(FLOWS, plugins) as app:
        yield app


async def test_iterate_accumulates_and_takes_its_variable_away(app):
    outcome = await app.call("sum", [1, 2, 3])

    assert outcome.vars == {"total": 6}


async def test_iterate_restores_a_variable_it_shadowed(app):
    outcome = await app.call("sum", [1, 2], {"n": "mine"})

    assert outcome.vars == {"n": "mine", "total": 3}


async def test_map_collects_bodies(app):
    assert (await app.call("double", [1, 2, 3])).body == [2, 4, 6]
    assert (await app.call("double", [])).body == []


async def test_a_drop_in_map_leaves_null(app):
    assert (await app.call("odd", [1, 2, 3])).body == [1, None, 3]


@pytest.mark.parametrize("flow", ["told", "told-in-order"])
async def test_elements_of_map_see_the_variables_and_leave_none(app, flow):
    """Whether they run one by one or at once, the loop variable is gone afterwards, and a dropped element is null."""
    outcome = await app.call(flow, [1, 2, 3], {"mine": "m", "item": "before"})

    assert outcome.body == [[1, "m"], None, [3, "m"]]
    assert outcome.vars == {"mine": "m", "item": "before"}


async def test_a_drop_in_iterate_drops_the_message(app):
    assert await app.call("until", [1, 0, 2]) == Drop("not positive")


@virtual()
async def test_concurrency_bounds_how_many_run_and_keeps_the_order(plugins):
    async with running(FLOWS, plugins) as app, asyncio.TaskGroup() as group:
        call = group.create_task(app.call("wait", list(range(10))))
        await settle()
        probe = probes["probe"]
        probe.gate("go").set()

    assert call.result().body == list(range(10))
    assert probe.most_waiting == 3


async def test_what_happened_in_map_stays_in_map(app):
    outcome = await app.call("fail", [1])

    assert outcome.body == [[1], False, "fail.foreach[body].fail"]


@pytest.mark.parametrize("body", [None, 1, "text", {"a": 1}])
async def test_items_must_be_a_list(app, body):
    with pytest.raises(Failure, match="must evaluate to an array"):
        await app.call("double", body)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("concurrency: 2", "`concurrency` needs `mode: map`"),
        ("concurrency: 0, mode: map", "concurrency"),
        ("as: ''", "as"),
        ("mode: both", "mode"),
    ],
)
def test_wrong_settings_are_found_at_build(plugins, settings, says):
    flow = f"flows: [{{name: f, process: [{{type: foreach, items: body, body: [], {settings}}}]}}]"
    with pytest.raises(ConfigError, match=says):
        parse(flow, plugins, {})


MAPPED = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: foreach
        items: body
        mode: map
        onError: value
        concurrency: %d
        body:
          - {type: delay, for: duration(string(10 - vars.item) + "s")}
          - {type: if, condition: vars.item == 2, then: [{type: fail, name: leaf, connector: p}]}
          - {type: filter, expr: vars.item != 3}
          - {type: set-payload, value: vars.item * 10}
"""


@virtual()
@pytest.mark.parametrize("concurrency", [1, 4])
async def test_failed_elements_may_be_values(plugins, concurrency):
    async with running(MAPPED % concurrency, plugins) as app:
        body = (await app.call("f", [1, 2, 3, 4])).body

    assert [each["ok"] for each in body] == [True, False, True, True]
    assert [each.get("value") for each in body] == [10, None, None, 40]
    assert body[1]["error"]["message"] == 'block "if": block "leaf": as ordered'


def test_values_of_failed_elements_need_a_place(plugins):
    with pytest.raises(ConfigError, match="`onError: value` needs `mode: map`"):
        parse((MAPPED % 1).replace("mode: map", "mode: iterate"), plugins, {})
