"""Building binds blocks to their settings, and knows which flows are recursive."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.flow import Failure
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
    process: []
  - name: d
    process: []
"""


def test_only_flows_that_can_reach_themselves_are_recursive(plugins):
    flows = build_flows(parse(FLOWS, plugins, {}).flows.values(), {}, Bus(), lambda work: None)

    assert {name for name, flow in flows.items() if flow.recursive} == {"a", "b"}


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
