"""invoke runs one flow: no source starts, only connectors in use are opened."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.core.errors import Timeout
from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine.connections import StartError
from octo.engine.invoke import invoke
from octo.testing.clock import virtual
from octo.testing.probe import history

FLOWS = """
connectors:
  - {name: web, type: probe, settings: {id: web}}
  - {name: used, type: probe, settings: {id: used}}
  - {name: broken, type: probe, settings: {refuse: true}}
flows:
  - name: f
    source: {connector: web, type: push, settings: {}}
    process: [{type: flow-ref, flow: deep}]
  - name: deep
    process: [{type: note, connector: used, value: '1'}, {type: set-payload, value: '"done"'}]
  - name: stuck
    process: [{type: wait, connector: used}]
  - name: failing
    process: [{type: fail, connector: used}]
  - name: unlucky
    process: [{type: note, connector: broken, value: '1'}]
"""


@pytest.fixture
def config(plugins):
    return parse(FLOWS, plugins, {})


async def test_only_what_the_flow_reaches_is_opened(config):
    outcome = await invoke(config, "f", Message(), 5)

    assert outcome.body == "done"
    assert history == ["open used", "close used"]


async def test_the_timeout_ends_it(config):
    with pytest.raises(Timeout):
        await invoke(config, "stuck", Message(), 0.01)

    assert history == ["open used", "close used"]


async def test_a_failure_is_raised_as_such(config):
    with pytest.raises(Failure, match="as ordered"):
        await invoke(config, "failing", Message(), 5)


async def test_a_connector_that_does_not_open_is_named(config):
    with pytest.raises(StartError, match='connector "broken"'):
        await invoke(config, "unlucky", Message(), 5)


@virtual()
async def test_blocks_know_how_much_time_is_left(plugins):
    config = parse("flows: [{name: f, process: [{type: delay, for: 60s}]}]", plugins, {})

    with pytest.raises(Failure, match='after the deadline: flow "f" must finish within 30s'):
        await invoke(config, "f", Message(), 30)

    assert asyncio.get_running_loop().time() == 0


@virtual()
async def test_what_is_cut_off_ends_with_the_flow_s_deadline(plugins):
    config = parse(FLOWS, plugins, {})

    with pytest.raises(Timeout, match='flow "stuck" did not finish within 30s'):
        await invoke(config, "stuck", Message(), 30)
