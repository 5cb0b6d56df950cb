"""A budget is passed by at most the call under way, whatever runs beside one another."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, strategies as st

from octo.core.budget import Budget, BudgetExceeded, Meter, leave, metered, meters, used_tool, witness


def meter(**limits: object) -> Meter:
    return Meter(Budget.model_validate(limits), "it")


async def test_calls_are_counted_when_they_begin_also_those_that_fail():
    counted = meter(calls=2)
    for number in range(2):
        await counted.begin(number, 0, 0.0)
        counted.end(number)
    with pytest.raises(BudgetExceeded, match="the budget of it is used up: calls 2, spent 2"):
        await counted.begin(2, 0, 0.0)

    assert counted.spent.calls == 2


@pytest.mark.parametrize(("limits", "cost"), [({"tokens": 100}, (60, 50, 0.0)), ({"money": 0.1}, (0, 0, 0.11))])
async def test_a_limit_of_tokens_or_money_is_passed_by_one_call_only(limits, cost):
    counted = meter(**limits)
    await counted.begin(1, 10, 0.01)
    counted.end(1, *cost)

    with pytest.raises(BudgetExceeded):
        await counted.begin(2, 10, 0.01)


async def test_a_call_without_a_price_is_refused_by_a_limit_of_money():
    """It would be passed unseen; other limits do not care."""
    with pytest.raises(BudgetExceeded, match="budget of it limits money, and the price of the model is not known"):
        await meter(money=5).begin(1, 10, None)

    await meter(tokens=50).begin(1, 10, None)


async def test_a_call_waits_while_another_one_might_use_up_the_rest():
    counted = meter(tokens=100)
    await counted.begin(1, 80, 0.0)
    async with asyncio.TaskGroup() as tasks:
        second = tasks.create_task(counted.begin(2, 80, 0.0))
        await asyncio.sleep(0)
        assert not second.done()
        counted.end(1, 10, 0)
    counted.end(2, 10, 0)

    assert counted.spent.tokens == 20


@given(
    limit=st.integers(1, 200),
    costs=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=20),
)
async def test_it_is_never_passed_by_more_than_the_largest_call(limit, costs):
    """Whatever calls are expected to cost and really cost, and all of them at once."""
    counted = meter(tokens=limit)

    async def call(number: int, expected: int, real: int) -> None:
        try:
            await counted.begin(number, expected, 0.0)
        except BudgetExceeded:
            return
        await asyncio.sleep(0)
        counted.end(number, real, 0)

    async with asyncio.TaskGroup() as tasks:
        for number, (expected, real) in enumerate(costs):
            tasks.create_task(call(number, max(expected, real), real))

    assert counted.spent.tokens <= limit - 1 + max(real for _, real in costs)


async def test_a_call_that_is_cancelled_while_it_waits_counts_nothing():
    counted = meter(tokens=10)
    await counted.begin(1, 10, 0.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await counted.begin(2, 10, 0.0)
    counted.end(1, 1, 0)
    await counted.begin(3, 10, 0.0)

    assert counted.spent.calls == 2


@pytest.mark.parametrize(
    ("limits", "called", "over"),
    [
        (2, ["a", "b"], "c"),
        ({"a": 1}, ["a", "b", "b"], "a"),
        ({"*": 1, "a": 2}, ["a", "a", "b"], "b"),
        ({"a": 0}, ["b"], "a"),
    ],
)
def test_calls_of_tools_are_limited_in_all_or_by_name(limits, called, over):
    counted = meter(toolCalls=limits)
    for name in called:
        counted.tool(name)
    with pytest.raises(BudgetExceeded, match="toolCalls"):
        counted.tool(over)


async def test_all_open_budgets_count_and_the_error_says_whose():
    outer, inner = meter(toolCalls=1), Meter(None, "inner")
    with metered(outer), metered(inner):
        assert meters() == (outer, inner)
        used_tool("a")
        with pytest.raises(BudgetExceeded) as caught:
            used_tool("a")
        leave()
        used_tool("a")

    assert caught.value.meter is outer
    assert inner.spent.tool_calls == {"a": 1}


async def test_the_error_carries_the_conversation_and_what_was_spent():
    counted = meter(calls=1)
    with metered(counted):
        witness(lambda: ["said"])
    await counted.begin(1, 0, 0.0)
    counted.end(1, 7, 3, 0.5)
    with pytest.raises(BudgetExceeded) as caught:
        await counted.begin(2, 0, 0.0)

    told = caught.value.vars["ai"]
    assert told["history"] == ["said"]
    assert told["budget"] == {"of": "it", "limit": "calls", "allowed": 1, "spent": 1}
    assert told["spent"] == {"calls": 1, "inputTokens": 7, "outputTokens": 3, "money": 0.5, "toolCalls": {}}


def test_what_was_spent_before_a_restart_counts_on():
    first, second = Meter(None, "a"), Meter(None, "b")
    first.tool("t")
    first.end(1, 7, 3, 0.5)
    second.spent.restore(first.spent.as_json())

    assert second.spent.as_json() == first.spent.as_json()


async def test_a_call_whose_price_nobody_knows_is_told_apart_from_one_that_is_free():
    counted = Meter(None, "it")
    counted.end(1, 1, 1, None)
    counted.end(2, 1, 1, 0.0)

    assert (counted.spent.unpriced, counted.spent.money) == (1, 0.0)


@pytest.mark.parametrize(
    "limits",
    [{}, {"calls": -1}, {"money": "inf"}, {"tokens": 1.5}, {"seconds": 0}, {"call": 1}, {"toolCalls": {"a": -1}}],
)
def test_a_budget_that_limits_nothing_or_is_misspelt_is_refused(limits):
    with pytest.raises(ValueError, match=r"."):
        Budget.model_validate(limits)
