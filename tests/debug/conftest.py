"""Fixtures: a flow with every kind of nesting, and a function that runs it watched."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.flow import Failure, Halt
from octo.core.message import Message
from octo.debug import Debug, mocks
from octo.engine.invoke import invoke

FLOWS = """
connectors:
  - {name: bank, type: probe, settings: {id: bank}}
flows:
  - name: f
    process:
      - {type: set-payload, name: start, value: body}
      - type: if
        name: check
        condition: body > 0
        then:
          - {type: set-payload, name: double, value: body * 2}
          - {type: log, message: '"seen"'}
        else:
          - {type: filter, expr: 'false', reason: too small}
      - type: switch
        cases:
          - {when: body > 10, name: big, process: [{type: note, name: charge, connector: bank, value: body}]}
          - {when: body > 5, process: [{type: fail, name: charge, connector: bank, text: declined}]}
        default: [{type: set-payload, name: free, value: '0'}]
      - {type: flow-ref, name: sum, flow: g}
    error:
      - {type: set-payload, name: saved, value: vars.error.block}
  - name: g
    process:
      - {type: set-variable, name: a, settings: {name: a, value: '1'}}
      - {type: set-variable, settings: {name: b, value: '2'}}
      - {type: set-variable, settings: {name: c, value: '3'}}
      - {type: set-payload, value: body + 1}
"""


@pytest.fixture
def config(plugins):
    return parse(FLOWS, plugins, {})


@pytest.fixture
def watched(config):
    """Run a flow, watched; return how it ended, and the watcher."""

    async def run(body, flow="f", specs=None, text=None, timeout=5.0, **watch):
        parsed = {address: mocks.parse(spec, address) for address, spec in (specs or {}).items()}
        debug = Debug(config, flow, mocks=parsed, **watch)
        try:
            return await invoke(debug.config, flow, Message(body), timeout, debug), debug
        except (Failure, Halt) as ended:
            return ended, debug

    return run
