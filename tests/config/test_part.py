"""Parts that a case does not need are neither built nor opened."""

from __future__ import annotations

import pytest

from octo.builtin import plugins as builtin_plugins
from octo.config.load import parse
from octo.config.part import only_feeding, part, unfed, without_files
from octo.testing.probe import probe_plugins

TEXT = """
connectors: [{name: a, type: probe}, {name: b, type: probe}, {name: c, type: probe}]
flows:
  - {name: first, source: {connector: a, type: push}, process: [{type: flow-ref, flow: second}]}
  - {name: second, source: {connector: b, type: push}, process: [{type: note, connector: b, value: body}]}
  - {name: third, process: [{type: note, connector: c, value: body}]}
"""


@pytest.fixture
def plugins():
    return probe_plugins(builtin_plugins())


def test_a_part_has_what_the_flows_reach(plugins):
    config = part(parse(TEXT, plugins, {}), ["first"])

    assert list(config.flows) == ["first", "second"]
    assert list(config.connectors) == ["a", "b"]


def test_a_source_that_is_not_fed_needs_no_connector(plugins):
    config = part(unfed(parse(TEXT, plugins, {}), set()), ["first"])

    assert list(config.connectors) == ["b"]


def test_only_feeding_are_those_that_no_block_calls(plugins):
    config = part(parse(TEXT, plugins, {}), ["first"])

    assert [doc.name for doc in only_feeding(config)] == ["a"]


LOST = """
connectors: [{name: a, type: probe}]
flows:
  - {name: f, source: {connector: a, type: push}, deadLetter: {flow: lost}}
  - {name: g, source: {connector: a, type: push}, deadLetter: {file: lost.jsonl}}
  - {name: lost, process: [{type: note, connector: a, value: body}]}
"""


def test_a_part_has_the_flow_that_takes_its_dead_letters(plugins):
    config = parse(LOST, plugins, {})

    assert list(part(config, ["f"]).flows) == ["f", "lost"]
    assert list(part(unfed(config, ()), ["f"]).flows) == ["f"], "but what no source feeds has no dead letters"


def test_without_files_dead_letters_go_to_no_file(plugins):
    config = without_files(parse(LOST, plugins, {}))

    assert config.flows["g"].dead_letter is None
    assert config.flows["f"].dead_letter.target == "lost"
