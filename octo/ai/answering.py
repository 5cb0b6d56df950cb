"""Asking a model until its answer can be used, or it has been told what is wrong often enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, NamedTuple, TypeVar

from octo.ai.answer import Unusable
from octo.ai.conversation import Ask, Assistant, Reply, User, as_json
from octo.ai.details import usage
from octo.ai.model import Hear, Model
from octo.core.budget import Meter, witness
from octo.core.errors import OctoError

T = TypeVar("T")


class Answered(NamedTuple, Generic[T]):
    """What was made of an answer, the reply that it was in, and how many there were."""

    value: T
    reply: Reply
    attempts: int


async def answered(
    model: Model, ask: Ask, read: Callable[[Reply], T], repairs: int, meter: Meter, hear: Hear | None = None
) -> Answered[T]:
    """Return what `read` makes of the model's answer; if it cannot, tell the model why, at most so many times.

    Raises the last `Unusable` with what all answers have cost, and what `Model.ask` raises.
    """
    witness(lambda: as_json(ask.turns))
    attempt = 1
    while True:
        reply = await model.ask(ask, hear)
        try:
            return Answered(read(reply), reply, attempt)
        except Unusable as error:
            if not error.advice or attempt > repairs:
                raise error.telling({"usage": usage(meter), "attempts": attempt}) from None
            said = Assistant(reply.text) if reply.calls else reply.turn  # no tool was offered, so none has a result
            ask = ask._replace(turns=(*ask.turns, *([said] if said.text else []), User(error.advice)))
        attempt += 1


@contextmanager
def working(block: str) -> Iterator[None]:
    """While entered, errors say which block's work they have ended."""
    try:
        yield
    except OctoError as error:
        raise error.within(block) from error
