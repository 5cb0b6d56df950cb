"""flow-ref calls a flow and merges its result, or sends it the message without waiting."""

from __future__ import annotations

import asyncio

import pytest

from octo.builtin import plugins as all_plugins
from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.testing.harness import running
from octo.testing.probe import probes

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - name: caller
    process: [{type: set-variable, settings: {name: mine, value: '1'}}, {type: flow-ref, name: ask, flow: callee}]
  - name: callee
    process:
      - {type: set-payload, value: '{"was": body, "id": eventID}'}
      - {type: set-variable, settings: {name: theirs, value: '2'}}
      - {type: delete-variable, settings: {name: mine}}
  - name: ask-other
    process: [{type: set-variable, settings: {name: whose, value: '"mine"'}}, {type: flow-ref, flow: other}]
  - name: other
    process:
      - {type: set-variable, settings: {name: whose, value: '"theirs"'}}
      - {type: set-payload, rawBody: true, contentType: text/plain, value: body}
  - name: ask-dropper
    process: [{type: flow-ref, flow: dropper}]
  - name: dropper
    process: [{type: set-payload, value: '0'}, {type: filter, expr: 'false'}]
  - name: ask-failer
    process: [{type: flow-ref, name: ask, flow: failer}]
    error: [{type: set-payload, value: '[body, vars.error.message, vars.error.block, vars.error.path]'}]
  - name: failer
    process: [{type: set-payload, value: '0'}, {type: fail, connector: p}]
  - name: tell
    process: [{type: flow-ref, flow: told, oneWay: true}, {type: set-payload, value: '"went on"'}]
  - name: told
    process: [{type: wait, connector: p}, {type: note, connector: p, value: body}]
  - name: sourced
    source: {connector: p, type: push, settings: {path: /}}
    process: [{type: set-payload, value: '"sourced"'}]
  - name: ask-sourced
    process: [{type: flow-ref, flow: sourced}]
"""


async def test_body_is_replaced_and_variables_merged_under_a_new_id(plugins):
    async with running(FLOWS, plugins) as app:
        outcome = await app.call("caller", "x")

        assert outcome.body["was"] == "x"
        assert outcome.body["id"] != outcome.event_id
        assert outcome.vars == {"mine": 1, "theirs": 2}


async def test_what_the_other_flow_set_wins_and_raw_content_stays_raw(plugins):
    async with running(FLOWS, plugins) as app:
        outcome = await app.call("ask-other", "x")

    assert outcome.vars == {"whose": "theirs"}
    assert (outcome.body, outcome.raw) == ({"contentType": "text/plain", "rawData": "x"}, True)


async def test_a_drop_leaves_the_caller_unchanged(plugins):
    async with running(FLOWS, plugins) as app:
        assert (await app.call("ask-dropper", "x")).body == "x"
        assert app.kinds("dropper") == ["started", "dropped"]


async def test_a_failure_is_the_callers_with_its_own_message_untouched(plugins):
    async with running(FLOWS, plugins) as app:
        outcome = await app.call("ask-failer", "x")

        assert outcome.body == [
            "x",
            'block "ask": flow-ref "failer": block "fail": as ordered',
            "ask",
            "failer.fail",
        ]
        assert app.kinds("failer") == ["started", "failed"]
        assert app.kinds("ask-failer") == ["started", "completed"]


async def test_one_way_goes_on_at_once_and_drain_waits_for_it(plugins):
    async with running(FLOWS, plugins) as app:
        outcome = await app.call("tell", "x")
        probe = probes["probe"]

        assert outcome.body == "went on"
        assert probe.notes == []
        asyncio.get_running_loop().call_later(0.01, probe.gate("go").set)

    assert probe.notes == ["x"]
    assert len({event.event_id for event in app.events}) == 2  # each flow sees the message under an event id of its own


async def test_a_flow_with_a_source_can_be_called_too(plugins):
    async with running(FLOWS, plugins) as app:
        assert (await app.call("ask-sourced")).body == "sourced"


@pytest.mark.parametrize(
    "block",
    [
        "{type: foreach, items: body, body: [%s]}",
        "{type: switch, cases: [{when: body.x, process: [%s]}]}",
        "{type: if, condition: body.x, then: [{type: log}], else: [%s]}",
        "{type: handle-errors, process: [{type: log}], error: [%s]}",
        "{type: foreach, items: body, body: [{type: handle-errors, process: [%s], error: [{type: log}]}]}",
    ],
)
def test_messages_that_a_flow_sends_itself_are_warned_of_in_every_chain(block):
    text = block % "{type: flow-ref, flow: f, oneWay: true}"
    (warning,) = parse(f"flows: [{{name: f, process: [{text}]}}]", all_plugins(), {}).warnings
    assert warning.code == "OCTO-C156"


@pytest.mark.parametrize(
    "block",
    [
        "{type: fork, branches: [{name: one, process: [%s]}]}",
        "{type: handle-errors, process: [%s], error: [{type: log}]}",
    ],
)
def test_chains_that_always_run_cannot_end_a_circle(block):
    text = block % "{type: flow-ref, flow: f, oneWay: true}"
    with pytest.raises(ConfigError, match="OCTO-C150"):
        parse(f"flows: [{{name: f, process: [{text}]}}]", all_plugins(), {})
