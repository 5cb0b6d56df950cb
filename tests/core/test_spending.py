"""Work that has a budget ends with it, in counts and in time; the flow's error chain sees why."""

from __future__ import annotations

import asyncio

import pytest

from octo import Message, Settings, block
from octo.core.budget import Budget, BudgetExceeded, Meter, meters
from octo.core.spending import spending
from octo.testing.clock import virtual
from octo.testing.harness import running
from tests.ai.fakes import CONNECTOR, FakeModel, calls


async def test_the_meter_is_open_while_the_work_runs():
    meter = Meter(None, "it")

    async def work() -> int:
        assert meters() == (meter,)
        return 7

    assert await spending(meter, work()) == 7
    assert meters() == ()


@virtual()
async def test_work_is_cancelled_at_the_end_of_its_time():
    meter = Meter(Budget(seconds=2), "it")
    with pytest.raises(BudgetExceeded, match="the budget of it is used up: seconds 2"):
        await spending(meter, asyncio.sleep(3))
    await spending(Meter(Budget(seconds=2), "it"), asyncio.sleep(1))


class Nothing(Settings):
    """No settings."""


@block("hang")
async def hang(settings: Nothing, message: Message) -> Message:
    """Take a minute, unlike `delay` without a look at how much time there is."""
    del settings
    await asyncio.sleep(60)
    return message


FLOW = f"""
{CONNECTOR}
flows:
  - name: f
    budget: {{%s}}
    process:
      - {{type: hang, name: wait}}
      - type: ai-agent
        connector: llm
        prompt: p
        tools: [{{flow: g}}]
    error: [{{type: set-payload, value: '[vars.error.type, vars.error.block, vars.ai.budget.of]'}}]
  - name: g
    description: d
    process:
      - type: ai-agent
        connector: llm
        prompt: p
        tools: [{{name: t, description: d, process: []}}]
"""


async def result(limits: str, *script: object) -> object:
    async with running(FLOW % limits, components=[FakeModel, hang]) as app:
        app.connector("llm").says(*script)
        return (await app.call("f")).body


@virtual()
async def test_the_time_of_a_flow_is_a_budget_and_its_error_chain_runs():
    assert await result("seconds: 30") == ["BudgetExceeded", "wait", 'flow "f"']


@virtual()
async def test_a_flow_that_it_calls_counts_too():
    script = [calls(("g", {})), calls(("t", {})), calls(("t", {})), "never"]

    assert await result("calls: 3", *script) == ["BudgetExceeded", "ai-agent", 'flow "f"']


@virtual()
async def test_each_message_has_the_whole_budget():
    async with running(FLOW % "calls: 1", components=[FakeModel, hang]) as app:
        app.connector("llm").says("a", "b")
        assert [(await app.call("f")).body for _ in range(2)] == ["a", "b"]


async def test_handle_errors_sees_it():
    text = f"""
{CONNECTOR}
flows:
  - name: f
    budget: {{calls: 1}}
    process:
      - type: handle-errors
        process:
          - {{type: ai-agent, connector: llm, prompt: p, tools: [{{name: t, description: d, process: []}}]}}
        error: [{{type: set-payload, value: vars.error.type}}]
"""
    async with running(text, components=[FakeModel, hang]) as app:
        app.connector("llm").says(calls(("t", {})), "never")
        assert (await app.call("f")).body == "BudgetExceeded"
