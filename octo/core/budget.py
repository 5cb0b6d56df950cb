"""Budgets: what work on a message may spend on models, and what it has spent.

A flow, a block and a connector may have one. They apply together: a call counts on every budget that is open around it,
those of callers and of agents further out included. `octo.core.spending` opens them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any, NoReturn

from pydantic import Field, model_validator

from octo.core.errors import Permanent
from octo.core.settings import Settings

ANY_TOOL = "*"

Count = Annotated[int, Field(ge=0)]


class Budget(Settings):
    """Limits; what is not written has none."""

    money: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Dollars. A call whose price is not known is refused: then write it to the connector's `prices`."""
    tokens: Count | None = None
    """Tokens, those of requests and of answers together."""
    calls: Count | None = None
    """Calls of models. A failed call counts, and so does each time that it is tried again."""
    tool_calls: Count | dict[str, Count] | None = None
    """Calls of tools: in all, or of each by its name, with `*` for every other one: `{search: 3, "*": 10}`."""
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Seconds from beginning to end. What is under way then is cancelled."""

    @model_validator(mode="after")
    def _limits_something(self) -> Budget:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("a budget without a limit: write e.g. `calls: 10`")
        return self


class BudgetExceeded(Permanent):
    """A budget does not allow one more call, or cannot tell what it costs, or its time is over.

    `vars.ai` has `budget` (`of`, `limit`, `allowed`, `spent`), and as `history` the conversation so far. meter: of the
    budget.
    """

    code = "OCTO-L101"
    kind = "BudgetExceeded"
    meter: Meter | None = None


class Spent:
    """What was spent: counts, and dollars. unpriced: calls whose price is not known."""

    __slots__ = ("calls", "input_tokens", "money", "output_tokens", "tool_calls", "unpriced")

    def __init__(self) -> None:
        self.calls = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.money = 0.0
        self.unpriced = 0
        self.tool_calls: dict[str, int] = {}

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def restore(self, spent: Mapping[str, Any]) -> None:
        """Add what was spent before, in the form of `as_json`: the work goes on after a restart."""
        self.calls += int(spent.get("calls", 0))
        self.input_tokens += int(spent.get("inputTokens", 0))
        self.output_tokens += int(spent.get("outputTokens", 0))
        self.money += float(spent.get("money", 0.0))
        for name, count in dict(spent.get("toolCalls", {})).items():
            self.tool_calls[name] = self.tool_calls.get(name, 0) + int(count)

    def as_json(self) -> dict[str, object]:
        return {
            "calls": self.calls,
            "inputTokens": self.input_tokens,
            "outputTokens": self.output_tokens,
            "money": round(self.money, 9),
            "toolCalls": dict(self.tool_calls),
        }


class Meter:
    """What is spent under one budget, or only counted if there is none.

    of: whose budget it is, e.g. `flow "orders"`, for messages.

    Invariant: a limit of tokens or money is passed by at most the call that is under way. So while one is under way
    whose cost is not known yet, another begins only if both are expected to fit.
    """

    def __init__(self, budget: Budget | None, of: str) -> None:
        self.budget = budget
        self.of = of
        self.spent = Spent()
        self.history: Callable[[], object] | None = None
        self._expected: dict[object, tuple[int, float]] = {}
        self._ended = asyncio.Event()

    async def begin(self, call: object, tokens: int, money: float | None) -> None:
        """Count a call of a model that is expected to cost so much; wait while others under way might use up the rest.

        money: None if its price is not known. Raises `BudgetExceeded` if no call is left, and for such a call if there
        is a limit of money, which it would pass unseen.
        """
        while True:
            self._check_calls()
            self._check_price(money)
            if self._expected.keys() <= {*_around.get()} or self._fits(tokens, money or 0.0):
                break
            self._ended.clear()
            await self._ended.wait()
        self.spent.calls += 1
        self._expected[call] = tokens, money or 0.0

    def end(self, call: object, input_tokens: int = 0, output_tokens: int = 0, money: float | None = 0.0) -> None:
        """Count what the call has cost; money: None if its price is not known."""
        self._expected.pop(call, None)
        self.spent.input_tokens += input_tokens
        self.spent.output_tokens += output_tokens
        self.spent.money += money or 0.0
        self.spent.unpriced += money is None
        self._ended.set()

    def forget(self, call: object) -> None:
        """Count nothing for the call: it was not made, as another budget did not allow it."""
        del self._expected[call]
        self.spent.calls -= 1
        self._ended.set()

    def tool(self, name: str) -> None:
        """Count a call of a tool. Raises `BudgetExceeded` if none is left for it."""
        limits = None if self.budget is None else self.budget.tool_calls
        counts = self.spent.tool_calls
        if isinstance(limits, int):
            if sum(counts.values()) >= limits:
                self.exceed("toolCalls", limits, sum(counts.values()))
        elif limits is not None:
            limit = limits.get(name, limits.get(ANY_TOOL))
            if limit is not None and counts.get(name, 0) >= limit:
                self.exceed(f"toolCalls.{name}", limit, counts.get(name, 0))
        counts[name] = counts.get(name, 0) + 1

    def exceed(self, limit: str, allowed: float, spent: float) -> NoReturn:
        """Raise `BudgetExceeded` for a limit."""
        raise self.exceeded(limit, allowed, spent)

    def exceeded(self, limit: str, allowed: float, spent: float, text: str = "") -> BudgetExceeded:
        """The error for a limit, with the conversation so far. text: what is said of it, if it is not used up."""
        budget = {"of": self.of, "limit": limit, "allowed": allowed, "spent": spent}
        told: dict[str, object] = {"budget": budget, "spent": self.spent.as_json()}
        if self.history is not None:
            told["history"] = self.history()
        text = text or f"the budget of {self.of} is used up: {limit} {allowed:g}, spent {spent:g}"
        error = BudgetExceeded(text, vars={"ai": told})
        error.meter = self
        return error

    def _check_calls(self) -> None:
        budget, spent = self.budget, self.spent
        if budget is None:
            return
        if budget.calls is not None and spent.calls >= budget.calls:
            self.exceed("calls", budget.calls, spent.calls)
        if budget.tokens is not None and spent.tokens >= budget.tokens:
            self.exceed("tokens", budget.tokens, spent.tokens)
        if budget.money is not None and spent.money >= budget.money:
            self.exceed("money", budget.money, round(spent.money, 6))

    def _check_price(self, money: float | None) -> None:
        if money is None and self.budget is not None and self.budget.money is not None:
            text = f"the budget of {self.of} limits money, and the price of the model is not known"
            spent = round(self.spent.money, 6)
            raise self.exceeded("money", self.budget.money, spent, f"{text}: give its connector `prices`")

    def _fits(self, tokens: int, money: float) -> bool:
        if self.budget is None:
            return True
        expected_tokens = sum(each for each, _ in self._expected.values()) + tokens
        expected_money = sum(each for _, each in self._expected.values()) + money
        most_tokens = math.inf if self.budget.tokens is None else self.budget.tokens
        most_money = math.inf if self.budget.money is None else self.budget.money
        return self.spent.tokens + expected_tokens <= most_tokens and self.spent.money + expected_money <= most_money


_open: ContextVar[tuple[Meter, ...]] = ContextVar("octo.budget", default=())
_around: ContextVar[tuple[object, ...]] = ContextVar("octo.budget.around", default=())


def meters() -> tuple[Meter, ...]:
    """Those that are open around this task, the outermost first."""
    return _open.get()


@contextmanager
def metered(meter: Meter) -> Iterator[Meter]:
    """While entered, count on this one too."""
    token = _open.set((*_open.get(), meter))
    try:
        yield meter
    finally:
        _open.reset(token)


@contextmanager
def within(call: object) -> Iterator[None]:
    """While entered, what this task does is a part of the call: it will not end before, so nobody here waits for it."""
    token = _around.set((*_around.get(), call))
    try:
        yield
    finally:
        _around.reset(token)


def around() -> tuple[object, ...]:
    """The calls of models that this task is a part of, such as who hears what a model writes."""
    return _around.get()


def leave() -> None:
    """From now on nothing that this task spends is its caller's."""
    _open.set(())
    _around.set(())


def used_tool(name: str) -> None:
    """Count a call of a tool on every open budget. Raises `BudgetExceeded`."""
    for meter in meters():
        meter.tool(name)


def witness(history: Callable[[], object]) -> None:
    """Let errors of the open budgets carry what this returns: the conversation that is under way."""
    for meter in meters():
        meter.history = history
