"""A connector that only mocked blocks would use is not opened, so a flow runs without it."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.config.part import stubbed
from octo.core.message import Message
from octo.debug import Debug, mocks
from octo.engine.connections import Connections
from octo.engine.invoke import invoke
from octo.testing.probe import Standin, history

FLOWS = """
connectors:
  - {name: bank, type: probe, settings: {refuse: true}}
  - {name: desk, type: probe, settings: {id: desk}}
flows:
  - name: f
    process:
      - {type: fail, name: charge, connector: bank}
      - {type: if, condition: 'true', then: [{type: note, connector: desk, value: '1'}]}
      - {type: if, name: again, condition: 'true', then: [{type: fail, connector: bank}]}
  - name: fed
    source: {connector: bank, type: push, settings: {}}
    process: []
"""

MOCK = mocks.parse({"body": "mocked"}, "x")


@pytest.fixture
def config(plugins):
    return parse(FLOWS.partition("  - name: fed")[0], plugins, {})


async def test_what_is_mocked_needs_no_connector(config):
    debug = Debug(config, "f", mocks={"f.charge": MOCK, "f.again": MOCK})
    outcome = await invoke(debug.config, "f", Message(), 5, debug)

    assert outcome.body == "mocked"
    assert history == ["open desk", "close desk"]


async def test_what_stands_in_for_the_connector_in_a_test_is_opened_all_the_same(config):
    config = stubbed(config, {"bank": Standin(notes=[1])})
    debug = Debug(config, "f", mocks={"f.charge": MOCK, "f.again": MOCK})
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        bank = await connections.acquire(debug.config.connectors["bank"])
        await connections.release(bank)

    assert bank.instance.notes == [1]


@pytest.mark.parametrize("mocked", [["f.charge"], ["f.again[then].fail"], []])
def test_a_connector_that_another_block_calls_stays(config, mocked):
    debug = Debug(config, "f", mocks=dict.fromkeys(mocked, MOCK))

    assert debug.config == config


def test_a_connector_that_feeds_a_flow_stays(plugins):
    config = parse(FLOWS, plugins, {})

    assert Debug(config, "f", mocks={"f.charge": MOCK, "f.again": MOCK}).config == config


async def test_a_connector_that_asks_for_services_needs_none_of_them(plugins):
    flow = "{name: f, process: [{type: queue-dispatch, name: send, subject: '\"jobs\"'}]}"
    config = parse(f"connectors: [{{name: q, type: queue}}]\nflows: [{flow}]", plugins, {})
    debug = Debug(config, "f", mocks={"f.send": MOCK})

    assert (await invoke(debug.config, "f", Message(), 5, debug)).body == "mocked"
