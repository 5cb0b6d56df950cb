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
    with pytest.raises(Failure, match='block "handle-errors": scope alternative: block "again": as ordered'):
        await app.call("twice")


async def test_a_failing_expression_has_a_type_and_a_code(app):
    assert (await app.call("expression", {})).body == ["ExprError", True]
