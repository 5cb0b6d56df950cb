"""Contracts are checked on the messages of a flow, and never change their outcome."""

from __future__ import annotations

import pytest

from octo.core.flow import Drop, Failure
from octo.engine.contracts import Contracts
from octo.testing.harness import running
from octo.testing.probe import probes

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - name: half
    requires: [{that: body.n >= 0, because: n counts things}]
    ensures: [body * 2 == input.body.n]
    process:
      - {type: filter, expr: body.n != 100}
      - {type: set-payload, value: int(body.n) / 2}
  - {name: slow, ensures: ['false'], process: [{type: wait, connector: p}]}
  - {name: free, process: []}
  - {name: fails, ensures: ['false'], process: [{type: fail, connector: p}]}
"""


async def violations(plugins, flow, body, share=1.0):
    found = []
    async with running(FLOWS, plugins, observer=Contracts(found.append, share)) as app:
        probes["probe"].gate("go").set()
        outcome = await app.call(flow, body)
    return outcome, found


async def test_a_message_that_keeps_the_contract_is_not_spoken_of(plugins):
    assert (await violations(plugins, "half", {"n": 4}))[1] == []


async def test_a_broken_promise_is_told_with_what_came_and_what_went(plugins):
    outcome, [violation] = await violations(plugins, "half", {"n": 3})

    assert outcome.body == 1
    assert (violation.kind, violation.flow, violation.text) == ("ensures", "half", "body * 2 == input.body.n")
    assert (violation.message.body, violation.answer.body) == ({"n": 3}, 1)
    assert violation.at.line == 6
    assert str(violation) == 'flow "half" ensures body * 2 == input.body.n, which does not hold'


async def test_a_broken_demand_says_why_it_is_made(plugins):
    _, [violation] = await violations(plugins, "half", {"n": -4})

    assert str(violation) == 'flow "half" requires body.n >= 0, which does not hold: n counts things'
    assert violation.answer is None


async def test_a_clause_that_cannot_be_evaluated_does_not_hold(plugins):
    found = []
    async with running(FLOWS, plugins, observer=Contracts(found.append)) as app:
        with pytest.raises(Failure):
            await app.call("half", {})

    assert "no such key: n" in str(found[0])


async def test_flows_that_wait_are_checked_too(plugins):
    assert [each.flow for each in (await violations(plugins, "slow", None))[1]] == ["slow"]


async def test_a_flow_that_promises_nothing_is_left_as_it_is(plugins):
    outcome, found = await violations(plugins, "free", 1)

    assert (outcome.body, found) == (1, [])


async def test_what_is_dropped_or_fails_promises_nothing(plugins):
    outcome, found = await violations(plugins, "half", {"n": 100})
    assert (type(outcome), found) == (Drop, [])

    async with running(FLOWS, plugins, observer=Contracts(found.append)) as app:
        with pytest.raises(Failure):
            await app.call("fails")
    assert found == []


async def test_of_a_share_only_so_many_are_checked(plugins):
    found = []
    async with running(FLOWS, plugins, observer=Contracts(found.append, 0.5)) as app:
        for _ in range(200):
            await app.call("half", {"n": 3})

    assert 0 < len(found) < 200
    assert (await violations(plugins, "half", {"n": 3}, share=0.0))[1] == []
