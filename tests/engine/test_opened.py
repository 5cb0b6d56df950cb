"""Flows that are open to be called: without their sources, with only the connectors that they use."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.message import Message
from octo.engine.opened import opened
from octo.services.container import Services

FLOWS = """
connectors:
  - {name: idle, type: probe, settings: {refuse: true}}
flows:
  - name: fed
    source: {connector: idle, type: pull}
    process: [{type: set-payload, value: '1'}]
  - name: calling
    process: [{type: flow-ref, settings: {flow: called}}]
  - name: called
    process: [{type: set-payload, value: body + 1}]
  - name: other
    process: []
"""


async def test_what_is_called_is_open_and_no_source_starts(plugins):
    config = parse(FLOWS, plugins, {})
    async with Services() as services, opened(config, ["calling", "fed"], services, 1) as flows:
        assert sorted(flows) == ["called", "calling", "fed"]
        assert flows["calling"].call(Message(1)).body == 2
        assert flows["fed"].call(Message()).body == 1


async def test_an_error_comes_as_itself(plugins):
    config = parse(FLOWS, plugins, {})
    with pytest.raises(KeyError):
        async with Services() as services, opened(config, ["other"], services, 1):
            raise KeyError
