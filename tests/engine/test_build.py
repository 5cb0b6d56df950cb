"""Building binds blocks to their settings, and knows which flows are recursive."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.block import block
from octo.core.expressions import Expr
from octo.core.flow import Failure
from octo.core.message import Message
from octo.core.plugins import Plugins
from octo.core.settings import Settings
from octo.core.sockets import FlowRef
from octo.engine.build import build_flows
from octo.engine.events import Bus
from octo.testing.harness import running

FLOWS = """
flows:
  - name: a
    process:
      - type: if
        condition: 'true'
        then: [{type: flow-ref, flow: b}]
    error: [{type: flow-ref, flow: c}]
  - name: b
    process: [{type: if, condition: body > 0, then: [{type: flow-ref, flow: a}]}]
  - name: c
    process: [{type: flow-ref, flow: d}]
  - name: d
    process: []
"""


def test_only_flows_that_can_reach_themselves_are_recursive(plugins):
    """Neither one that they call nor what that one calls in turn."""
    flows = build_flows(parse(FLOWS, plugins, {}).flows.values(), {}, Bus(), lambda work: None)

    assert {name for name, flow in flows.items() if flow.recursive} == {"a", "b"}


TOOLS = """
flows:
  - name: charge
    description: Charges a card.
    input: {type: object, properties: {card: {type: string}}}
  - name: plain
  - name: agent
    process: [{type: describe, settings: {tools: [charge, plain]}}]
"""


class Describe(Settings):
    tools: list[FlowRef]
    """Flows to describe."""


@block("describe")
def describe(settings: Describe, message: Message) -> Message:
    found = [each.target for each in settings.tools]
    return message.with_body([[each.name, each.description, each.input] for each in found])


async def test_a_block_sees_what_the_flows_it_may_call_are_for(plugins):
    """An agent offers flows to a model as tools: by name, description and the schema as it was written."""
    async with running(TOOLS, plugins.joined(Plugins({}, {"describe": f"{__name__}:describe"}))) as app:
        outcome = await app.call("agent")

    schema = {"type": "object", "properties": {"card": {"type": "string"}}}
    assert outcome.body == [["charge", "Charges a card.", schema], ["plain", "", None]]


PLACES = """
connectors: [{name: p, type: probe}]
flows:
  - name: folded
    process:
      - type: set-payload
        value: >-
          {"a": 1,
           "b": body.nope}
  - name: quoted
    process: [{type: set-payload, value: '["it''s", body.nope]'}]
  - name: block
    process: [{type: fail, connector: p}]
"""


@pytest.mark.parametrize(("flow", "place"), [("folded", "9:22"), ("quoted", "11:58"), ("block", "13:15")])
async def test_a_failure_knows_its_place_in_the_file(plugins, flow, place):
    async with running(PLACES, plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call(flow, {})

        assert str(caught.value.at) == f"flow.yaml:{place}"


WORDED = """
flows:
  - name: f
    process: [{type: lookup, keys: {a: body.a}, rows: ['1', body.b], when: body.c}]
"""


class Lookup(Settings):
    keys: dict[str, Expr[str]]
    """Keys."""
    rows: list[Expr[object]]
    """Rows."""
    when: Expr[bool]
    """When."""

    def wording(self, path):
        return "a condition" if path == ("when",) else None


@block("lookup")
def lookup(settings: Lookup, message: Message) -> Message:
    for each in (*settings.keys.values(), *settings.rows, settings.when):
        each(message)
    return message


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, 'block "lookup": lookup keys["a"]: evaluate expression: no such key: a'),
        ({"a": 1}, 'block "lookup": lookup rows[1]: evaluate expression: no such key: b'),
        ({"a": 1, "b": 1}, 'block "lookup": a condition: evaluate expression: no such key: c'),
    ],
)
async def test_a_failure_names_the_setting_whose_expression_failed(plugins, body, told):
    """By the block's type and the path of the setting, or in the words of the settings."""
    async with running(WORDED, plugins.joined(Plugins({}, {"lookup": f"{__name__}:lookup"}))) as app:
        with pytest.raises(Failure) as caught:
            await app.call("f", body)

    assert str(caught.value).startswith(told)
