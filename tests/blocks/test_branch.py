"""if and switch choose a chain."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.testing.harness import running

FLOWS = """
flows:
  - name: if
    process:
      - type: if
        condition: body > 10
        then: {process: [{type: set-payload, value: '"big"'}]}
        else: {process: [{type: set-payload, value: '"small"'}]}
  - name: only-then
    process:
      - type: if
        condition: body > 10
        then: [{type: set-payload, value: '"big"'}]
  - name: switch
    process:
      - type: switch
        cases:
          - {when: body > 10, name: big, process: [{type: set-payload, value: '"big"'}]}
          - {when: body > 5, process: [{type: set-payload, value: '"middle"'}]}
        default: {process: [{type: set-payload, value: '"small"'}]}
  - name: no-default
    process:
      - type: switch
        cases: [{when: body > 10, process: []}]
  - name: dynamic
    process:
      - {type: if, condition: body, then: []}
"""


@pytest.mark.parametrize(
    ("flow", "body", "expected"),
    [
        ("if", 11, "big"),
        ("if", 10, "small"),
        ("only-then", 11, "big"),
        ("only-then", 1, 1),
        ("switch", 11, "big"),
        ("switch", 6, "middle"),
        ("switch", 1, "small"),
        ("no-default", 1, 1),
        ("no-default", 11, 11),
    ],
)
async def test_the_first_true_condition_decides(plugins, flow, body, expected):
    async with running(FLOWS, plugins) as app:
        assert (await app.call(flow, body)).body == expected


@pytest.mark.parametrize("body", [None, 1, "true", []])
async def test_conditions_know_no_truthiness(plugins, body):
    async with running(FLOWS, plugins) as app:
        with pytest.raises(Failure, match="must evaluate to a bool"):
            await app.call("dynamic", body)


def test_a_condition_that_is_never_a_bool_is_found_at_build(plugins):
    with pytest.raises(ConfigError, match="must be a bool"):
        parse("flows: [{name: f, process: [{type: if, condition: '\"text\"', then: []}]}]", plugins, {})


def test_a_switch_has_cases(plugins):
    with pytest.raises(ConfigError, match="must not be empty"):
        parse("flows: [{name: f, process: [{type: switch, cases: []}]}]", plugins, {})
