"""Spies: record what went into a block and what came out, every time a message crosses it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from octo.core import clock
from octo.core.errors import Bug, OctoError
from octo.core.flow import Drop, Failure, Outcome, Result, Stop, ending
from octo.core.message import Message
from octo.engine.step import Step
from octo.expr import ExprError


class Crossing(NamedTuple):
    """A message that crossed a block.

    seq: the number of the crossing over all spies of one run, from 1, in the order in which messages went in.
    at: when the message went in, in seconds since the epoch.
    output, dropped, error: how it left, one of the three. All are None while it is inside the block, and stay None if
    the run times out then. `dropped` is the reason, `error` the text of what the block raised.
    """

    seq: int
    at: float
    input: Message
    output: Message | None = None
    dropped: str | None = None
    error: str | None = None


def spied(step: Step, crossings: list[Crossing], number: Callable[[], int]) -> Step:
    """Return the step, with its crossings recorded. A message is a value, so a record does not change later."""
    call = step.call

    def watched(message: Message) -> Result:
        index = len(crossings)
        crossings.append(Crossing(number(), clock.now_ns() / 1e9, message))
        try:
            result = call(message)
        except Exception as error:
            _failed(crossings, index, error)
            raise
        if inspect.isawaitable(result):
            return _left_later(crossings, index, result)
        _left(crossings, index, result)
        return result

    return step._replace(call=watched)


async def _left_later(crossings: list[Crossing], index: int, waiting: Awaitable[Outcome]) -> Outcome:
    try:
        outcome = await waiting
    except Exception as error:
        _failed(crossings, index, error)
        raise
    _left(crossings, index, outcome)
    return outcome


def _left(crossings: list[Crossing], index: int, outcome: object) -> None:
    if isinstance(outcome, Drop):
        crossings[index] = crossings[index]._replace(dropped=outcome.reason)
    elif isinstance(outcome, Message | Stop):
        crossings[index] = crossings[index]._replace(output=ending(outcome))
    else:  # a bug of the block: the chain will raise the same error
        _failed(crossings, index, Bug(f"the block returned {type(outcome).__name__}, neither a message nor a drop"))


def _failed(crossings: list[Crossing], index: int, error: Exception) -> None:
    told = isinstance(error, Failure | OctoError | ExprError)
    text = str(error) if told else f"{type(error).__name__}: {error}"
    crossings[index] = crossings[index]._replace(error=text)
