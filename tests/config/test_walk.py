"""Which blocks a flow has, and which flows it reaches."""

import pytest

from octo.builtin import plugins as builtin_plugins
from octo.config.load import parse
from octo.config.walk import blocks_of, reachable
from octo.testing.probe import probe_plugins

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


@pytest.fixture
def plugins():
    return probe_plugins(builtin_plugins())


def test_a_flow_reaches_what_it_calls_at_any_depth(plugins):
    config = parse(FLOWS, plugins, {})

    assert {doc.name for doc in reachable(config, "a")} == {"a", "b", "c"}
    assert {doc.name for doc in reachable(config, "d")} == {"d"}


def test_blocks_are_listed_with_those_inside_and_those_of_the_error_chain(plugins):
    addresses = [doc.address for doc in blocks_of(parse(FLOWS, plugins, {}).flows["a"])]

    assert addresses == ["a.if", "a.if[then].flow-ref", "a[error].flow-ref"]
