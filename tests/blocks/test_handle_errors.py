"""handle-errors recovers, with the message as the failed chain left it or as it came in."""

from __future__ import annotations

import pytest

from octo.core.flow import Drop, Failure
from octo.testing.harness import running

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - name: recover
    process:
      - type: handle-errors
        name: guard
        process: [{type: set-payload, value: '"half"'}, {type: fail, name: charge, connector: p, how: transient}]
        error: [{type: set-payload, value: '{"body": body, "error": vars.error}'}]
      - {type: set-variable, settings: {name: after, value: 'true'}}
  - name: rollback
    process:
      - type: handle-errors
        rollback: true
        process: [{type: set-payload, value: '"half"'}, {type: fail, connector: p}]
        error: [{type: set-variable, settings: {name: flow, value: vars.error.flow}}]
  - name: drop
    process:
      - type: handle-errors
        process: [{type: filter, expr: 'false', reason: known}]
        error: [{type: set-payload, value: '"never"'}]
  - name: twice
    process:
      - type: handle-errors
        process: [{type: fail, connector: p}]
        error: [{type: fail, connector: p, name: again}]
  - name: expression
    process:
      - type: handle-errors
        process: [{type: set-payload, value: body.missing}]
        error: [{type: set-payload, value: '[vars.error.type, vars.error.code.startsWith("OCTO-E2")]'}]
"""


@pytest.fixture
async def app(plugins):
    async with running(FLOWS, plugins) as app:
        yield app


async def test_recovery_sees_the_message_as_left_and_the_flow_goes_on(app):
    outcome = await app.call("recover", "whole")

    error = outcome.body["error"]
    assert outcome.body["body"] == "half"
    assert outcome.vars["after"] is True
    assert (error["flow"], error["block"], error["path"]) == ("guard", "charge", "recover.guard[process].charge")
    assert (error["type"], error["retryable"], error["code"]) == ("Transient", True, "OCTO-R120")
    assert error["message"] == 'block "charge": as ordered'


async def test_rollback_recovers_on_the_message_as_it_came(app):
    outcome = await app.call("rollback", "whole")

    assert outcome.body == "whole"
    assert outcome.vars["flow"] == ""


async def test_a_drop_is_not_an_error(app):
    assert await app.call("drop") == Drop("known")


async def test_a_failing_recovery_fails_the_block(app):
    with pytest.raises(Failure, match='block "handle-errors": scope alternative: block "again": as ordered') as caught:
        await app.call("twice")
    first = caught.value.first
    assert first is not None
    assert str(caught.value).startswith(f'{first}; then block "handle-errors": scope alternative: ')


async def test_failures_of_nested_handlers_are_all_told_in_order(plugins):
    text = """
flows:
  - name: f
    process:
      - type: handle-errors
        process: [{type: set-payload, name: one, value: 1 / 0}]
        error:
          - type: handle-errors
            process: [{type: set-payload, name: two, value: int("x")}]
            error: [{type: set-payload, name: three, value: vars.nope}]
    error:
      - {type: set-variable, settings: {name: seen, value: vars.error}}
      - {type: set-payload, name: four, value: '[][0]'}
"""
    async with running(text, plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("f")

    assert [each.address.rpartition(".")[2] for each in caught.value.told] == ["one", "two", "three", "four"]
    seen = caught.value.message.vars["seen"]
    assert seen["path"].endswith("three")
    assert seen["cause"]["path"].endswith("two")


async def test_a_failing_expression_has_a_type_and_a_code(app):
    assert (await app.call("expression", {})).body == ["ExprError", True]
