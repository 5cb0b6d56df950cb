"""The caller: budgets, retries, rate, room and time of a connector, over a wire that answers by a script."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from octo.ai.conversation import Ask, Piece, Reply, Usage, User
from octo.ai.llm import settings
from octo.ai.llm.caller import LONGEST_WAIT, Caller
from octo.ai.model import Embedded
from octo.core import trace
from octo.core.budget import Budget, BudgetExceeded, Meter, metered
from octo.core.deadline import Deadline
from octo.core.errors import NotConnected, Overloaded, Permanent, Timeout, Transient
from octo.core.spending import spending
from octo.testing.clock import virtual

ASK = Ask("", (User("x" * 40),), max_tokens=100)
"""Expected to cost 10 and 100 tokens."""
SAID = Reply("hello", usage=Usage(12, 5), model="m-1")
Step = Reply | Exception | float | Callable[[Any], Awaitable[Reply]]


class Script:
    """A wire. Each step is a reply, an error, or seconds until a reply comes."""

    model = "m"
    max_tokens: int | None = None

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.at: list[float] = []
        self.most = 0
        self._under_way = 0

    async def send(self, ask: Ask, hear: Any) -> Reply:
        self.at.append(asyncio.get_running_loop().time())
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            step = self.steps.pop(0) if self.steps else SAID
            if isinstance(step, Exception):
                raise step
            if isinstance(step, float):
                await asyncio.sleep(step)
                return SAID
            return step if isinstance(step, Reply) else await step(hear)
        finally:
            self._under_way -= 1

    async def embed(self, texts: Any, model: str, dimensions: int | None) -> Embedded:
        self.at.append(asyncio.get_running_loop().time())
        return Embedded(tuple((0.5,) for _ in texts), Usage(7))


def caller(*steps: Step, **given: Any) -> tuple[Caller, Script]:
    wire = Script(*steps)
    return Caller("llm-test", wire, settings.Provider.model_validate(given)), wire


def full(seconds: float = 1.0) -> Overloaded:
    error = Overloaded("429: slow down", retry_after=seconds)
    error.status = 429
    return error


async def within(seconds: float, work: Awaitable[Any]) -> Any:
    anything: Any = work
    return await Deadline("flow", seconds).of(anything)


# --- retries -----------------------------------------------------------------------------------------------------


@virtual()
async def test_a_passing_failure_is_tried_again():
    """After a pause, and with a reply as if nothing had been."""
    model, wire = caller(Transient("500"), NotConnected("refused"))

    reply = await model.ask(ASK)

    assert reply.text == "hello"
    assert len(wire.at) == 3
    assert 0.25 <= wire.at[1] - wire.at[0] <= 0.5
    assert 0.5 <= wire.at[2] - wire.at[1] <= 1.0


@virtual()
async def test_the_last_failure_is_raised():
    """With what was done, and the cause below it."""
    model, wire = caller(Transient("500: a"), Transient("500: b"), Transient("500: c"), retries=2)

    with pytest.raises(Transient, match=r"^llm-test complete: 500: c$"):
        await model.ask(ASK)

    assert len(wire.at) == 3


@virtual()
async def test_some_failures_are_not_tried_again():
    """One that would come again, and one that has taken the whole time of an attempt."""
    for error in (Permanent("401"), Timeout("late")):
        model, wire = caller(error)
        with pytest.raises(type(error)):
            await model.ask(ASK)
        assert len(wire.at) == 1


@virtual()
async def test_retry_after_is_honoured():
    """The pause is as long as the provider says."""
    model, wire = caller(full(20))

    await model.ask(ASK)

    assert wire.at[1] - wire.at[0] == 20


@virtual()
async def test_no_pause_that_is_of_no_use():
    """One that ends after the deadline of the flow does not begin, nor does a very long one."""
    for seconds, wait in ((10.0, 10.0), (600.0, LONGEST_WAIT + 1)):
        model, wire = caller(full(wait))
        with pytest.raises(Overloaded, match="429: slow down") as caught:
            await within(seconds, model.ask(ASK))
        assert caught.value.retry_after == wait
        assert len(wire.at) == 1


@virtual()
async def test_what_was_heard_is_not_said_again():
    """A stream that was cut after a piece was heard is not tried again; one that was cut before is."""

    async def cut(hear: Any) -> Reply:
        await hear(Piece("text", "half"))
        raise Transient("cut")

    heard: list[Piece] = []

    async def hear(piece: Piece) -> None:
        heard.append(piece)

    model, wire = caller(Transient("cut"), cut)
    with pytest.raises(Transient, match=r"^llm-test stream: cut$"):
        await model.ask(ASK, hear)

    assert [each.text for each in heard] == ["half"]
    assert len(wire.at) == 2


@virtual()
async def test_an_attempt_takes_at_most_its_time():
    """Then it has failed by itself; other time limits inside are not taken for it."""
    model, _ = caller(60.0, timeout="5s")
    with pytest.raises(Timeout, match=r"^llm-test complete: no answer within 5s$"):
        await model.ask(ASK)

    model, _ = caller(TimeoutError("of somebody else"))
    with pytest.raises(TimeoutError, match="of somebody else"):
        await model.ask(ASK)


# --- rate and room -----------------------------------------------------------------------------------------------


async def together(model: Caller, count: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(model.ask(ASK))


@virtual()
async def test_a_rate_is_kept():
    """All flows of a connector together begin so many calls; the others wait for their turn."""
    model, wire = caller(rate={"calls": 2, "per": "10s"})

    await together(model, 5)

    assert [round(each - wire.at[0], 6) for each in wire.at] == [0, 0, 5, 10, 15]


@virtual()
async def test_a_rate_of_tokens_is_kept():
    """Tokens count as far as they can be told before: those that are sent, and the most that may come."""
    model, wire = caller(rate={"calls": 100, "tokens": 220, "per": "10s"})

    await together(model, 3)

    assert [round(each - wire.at[0], 6) for each in wire.at] == [0, 0, 5.0]


@virtual()
async def test_a_turn_after_the_deadline_is_not_waited_for():
    """The flow is told at once, and when to come back."""
    model, wire = caller(rate={"calls": 1, "per": "60s"})
    await model.ask(ASK)

    with pytest.raises(Overloaded, match="rate of 1 calls in 60s is used up") as caught:
        await within(30, model.ask(ASK))

    assert caught.value.retry_after == 60
    assert len(wire.at) == 1


@virtual()
async def test_only_so_many_calls_are_under_way():
    """More wait; a call that waits before it is tried again leaves its room to another."""
    model, wire = caller(full(5), 1.0, 1.0, 1.0, concurrency=2)

    await together(model, 4)

    assert wire.most == 2
    assert len(wire.at) == 5
    assert wire.at[-1] == 5


# --- budgets -----------------------------------------------------------------------------------------------------


@virtual()
async def test_every_attempt_counts():
    """On all budgets that are open: failed ones too."""
    model, _ = caller(Transient("500"), full())
    outer, inner = Meter(None, "flow"), Meter(Budget(calls=10), "block")

    with metered(outer), metered(inner):
        await model.ask(ASK)

    for meter in (outer, inner):
        assert meter.spent.calls == 3
    assert outer.spent.tokens >= 17


@virtual()
async def test_no_call_beyond_the_budget():
    """A retry is a call; when none is left the budget says so."""
    model, wire = caller(Transient("500"), Transient("500"))

    with metered(Meter(Budget(calls=2), "block")), pytest.raises(BudgetExceeded, match="calls 2, spent 2") as caught:
        await model.ask(ASK)

    assert len(wire.at) == 2
    assert str(caught.value.__cause__) == "llm-test complete: 500"


@virtual()
async def test_a_budget_of_time_cuts_a_pause():
    """No pause begins that would end after it."""
    model, _ = caller(full(20))

    with pytest.raises(Overloaded):
        await spending(Meter(Budget(seconds=5), "block"), model.ask(ASK))


@virtual()
async def test_what_calls_cost():
    """An answer counts as its provider says; a refused call costs nothing; of one that was cut off what came."""

    async def cut(hear: Any) -> Reply:
        await hear(Piece("text", "x" * 80))
        raise Transient("cut")

    async def hear(piece: Piece) -> None:
        pass

    price = {"input": 1, "output": 2}
    refused = Permanent("400", status=400)
    expected = {
        SAID: (12, 5, 22e-6),
        refused: (0, 0, 0),
        NotConnected("no"): (0, 0, 0),
        Timeout("late"): (10, 0, 10e-6),
        cut: (10, 20, 50e-6),
    }
    for step, (sent, came, money) in expected.items():
        model, _ = caller(step, prices=price, retries=0)
        meter = Meter(None, "flow")
        with metered(meter), suppress(Permanent, Transient):
            await model.ask(ASK, hear)
        assert (meter.spent.input_tokens, meter.spent.output_tokens) == (sent, came)
        assert meter.spent.money == pytest.approx(money)
        assert meter.spent.calls == 1


@virtual()
async def test_a_cancelled_call_counts():
    """It was sent: the provider may go on with it."""
    model, _ = caller(60.0)
    meter = Meter(None, "flow")

    with metered(meter), pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await model.ask(ASK)

    assert (meter.spent.calls, meter.spent.input_tokens) == (1, 10)


@virtual()
async def test_calls_together_keep_a_budget():
    """One that might pass a limit waits for those under way, so that it is passed by one call at most."""
    model, wire = caller(*[1.0] * 20)
    meter = Meter(Budget(tokens=150), "flow")

    async def ask() -> bool:
        try:
            await model.ask(ASK)
        except BudgetExceeded:
            return False
        return True

    with metered(meter):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask()) for _ in range(20)]

    assert 150 <= meter.spent.tokens < 150 + 110
    assert sum(each.result() for each in tasks) == len(wire.at)


@virtual()
async def test_the_budget_of_a_connector():
    """All flows share it, and it begins anew after its time."""
    model, wire = caller(budget={"calls": 2, "per": "1h"})

    await together(model, 2)
    with pytest.raises(BudgetExceeded, match="the budget of connector llm-test is used up: calls 2, spent 2"):
        await model.ask(ASK)
    await asyncio.sleep(3600)
    await model.ask(ASK)

    assert len(wire.at) == 3


@virtual()
async def test_a_call_that_another_budget_stops_is_given_back():
    """A budget further out does not keep what was expected of a call that never began."""
    outer, inner = Meter(Budget(tokens=1000), "flow"), Meter(Budget(calls=0), "block")
    model, _ = caller()

    with metered(outer):
        with metered(inner), pytest.raises(BudgetExceeded):
            await model.ask(ASK)
        await model.ask(ASK._replace(max_tokens=990))

    assert outer.spent.tokens == 17


@virtual()
async def test_a_call_that_is_given_up_before_its_turn_takes_nobody_elses():
    """However many give up: the rate is of calls that begin."""
    model, wire = caller(rate={"calls": 1, "per": "10s"})
    await model.ask(ASK)
    for _ in range(100):
        with suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await model.ask(ASK)
    await model.ask(ASK)

    assert wire.at[1] - wire.at[0] == pytest.approx(10)


@virtual()
@pytest.mark.parametrize("limits", [{"tokens": 20_000}, {"money": 0.02}])
async def test_long_answers_that_nobody_limits_pass_a_budget_by_one_call_too(limits):
    """Beside one another they would pass it by all of them."""

    async def long(hear: Any) -> Reply:
        await asyncio.sleep(1)
        return Reply("x", usage=Usage(10, 15_000), model="m-1")

    model, wire = caller(*[long] * 8, prices={"input": 1, "output": 1})
    meter = Meter(Budget.model_validate(limits), "flow")

    async def ask() -> None:
        with metered(meter), suppress(BudgetExceeded):
            await model.ask(ASK._replace(max_tokens=None))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(8):
            tasks.create_task(ask())

    assert (len(wire.at), meter.spent.tokens) == (2, 30_020)


@virtual()
async def test_a_call_that_one_budget_does_not_allow_counts_on_no_other():
    """It was not made. Nobody waits for it either."""
    outer, inner = Meter(Budget(calls=2, tokens=150), "flow"), Meter(Budget(calls=1), "block")
    model, wire = caller()
    with metered(outer):
        with metered(inner):
            await model.ask(ASK)
            for _ in range(3):
                with pytest.raises(BudgetExceeded, match="block"):
                    await model.ask(ASK)
        await model.ask(ASK)

    assert (outer.spent.calls, len(wire.at)) == (2, 2)


@virtual()
@pytest.mark.parametrize("given", [{"concurrency": 1}, {"budget": {"tokens": 150}}])
async def test_who_hears_an_answer_may_ask_too(given):
    """It does not wait for the answer that it is a part of: an event of an agent may ask a model."""

    async def says(hear: Any) -> Reply:
        await hear(Piece("text", "x"))
        return SAID

    model, wire = caller(says, **given)

    async def hear(piece: Piece) -> None:
        await model.ask(ASK)

    await model.ask(ASK, hear)

    assert wire.at == [0, 0]


@virtual()
async def test_a_model_without_a_price_is_not_called_under_a_limit_of_money():
    """Neither that of the connector nor one further out can count it; a price that is 0 is known."""
    asked = [caller(budget={"money": 1}), caller()]
    for model, wire in asked:
        with metered(Meter(Budget(money=1), "flow")), pytest.raises(BudgetExceeded, match="give its connector"):
            await model.ask(ASK)
        assert wire.at == []

    free, _ = caller(prices={"input": 0, "output": 0}, budget={"money": 1})
    assert (await free.ask(ASK)).text == "hello"


@virtual()
async def test_vectors_count_too():
    """They are calls of a model like any other."""
    model, _ = caller(prices={"input": 1, "output": 2})
    meter = Meter(None, "flow")

    with metered(meter):
        found = await model.embed(["a", "b"], "e")

    assert found == Embedded(((0.5,), (0.5,)), Usage(7, money=7e-6))
    assert (meter.spent.calls, meter.spent.input_tokens) == (1, 7)


# --- traces ------------------------------------------------------------------------------------------------------


class Span:
    traceparent = ""

    def __init__(self) -> None:
        self.seen: list[dict[str, object]] = []

    def effect(self, kind: str, details: dict[str, object]) -> None:
        self.seen.append({"kind": kind, **details})


@virtual()
async def test_traces_have_every_attempt():
    """With what it has cost and how long it took, and nothing of what was said."""
    model, _ = caller(full(), 2.0, prices={"input": 1, "output": 2})
    span = Span()
    token = trace.current.set(span)
    try:
        await model.ask(ASK)
    finally:
        trace.current.reset(token)

    failed, done = span.seen
    assert failed == {
        "kind": "llm",
        "connector": "llm-test",
        "model": "m",
        "call": "complete",
        "inputTokens": 0,
        "outputTokens": 0,
        "money": 0.0,
        "seconds": 0.0,
        "error": "OCTO-R122",
    }
    assert done["seconds"] == 2.0
    assert done["money"] == pytest.approx(22e-6)
    assert "hello" not in str(span.seen)
    assert "xxx" not in str(span.seen)
