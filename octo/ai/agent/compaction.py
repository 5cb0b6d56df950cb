"""Compaction: a conversation that has become too long for its model is shortened, from its beginning."""

from __future__ import annotations

import json
from collections.abc import Sequence

from octo.ai import estimate
from octo.ai.conversation import Ask, Assistant, Results, Turn, User
from octo.ai.model import Model
from octo.ai.quoted import RULE, quoted
from octo.core.bounded import bounded
from octo.core.budget import BudgetExceeded
from octo.core.errors import OctoError

LEFT_OUT = "(left out: the conversation was too long)"
SUMMARY_TOKENS = 2000
KEPT_CALLS = 32

_SUMMARIZE = (
    "You shorten conversations between a user and an assistant that calls tools. Write down, in at most 500 words, "
    "what must be known to go on: what the user wants, what was decided, names, numbers and ids, results of tools that "
    f"still matter, what is open. Write nothing else. {RULE}"
)


def pruned(turns: Sequence[Turn], most: float) -> tuple[Turn, ...]:
    """The turns without the oldest ones, so that about `most` tokens are left.

    Invariant: they begin with a user's turn, the last user's turn stays, and so does every call with its result. If
    that is too long still, the oldest results of tools lose their text.
    """
    sizes = [estimate.turn(turn) for turn in turns]
    total, start = sum(sizes), 0
    for at in range(1, len(turns)):
        if total <= most:
            break
        if isinstance(turns[at], User):
            total -= sum(sizes[start:at])
            start = at
    kept = list(turns[start:])
    for at, turn in enumerate(kept[:-1]):
        if total <= most:
            break
        if isinstance(turn, Results):
            kept[at] = Results(tuple(each._replace(content=LEFT_OUT, attachments=()) for each in turn.results))
            total -= estimate.turn(turn) - estimate.turn(kept[at])
    return tuple(kept)


def gutted(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The turns, with the beginning and the end of each text, and some calls of each turn without their arguments."""
    return tuple(map(_gutted, turns))


def _gutted(turn: Turn) -> Turn:
    match turn:
        case User(text):
            return User(bounded(text))
        case Assistant(text, calls):
            return Assistant(bounded(text), tuple(each._replace(arguments={}, raw="") for each in calls[:KEPT_CALLS]))
        case Results(results):
            return Results(tuple(each._replace(content=bounded(each.content)) for each in results[:KEPT_CALLS]))


async def summarized(model: Model, turns: Sequence[Turn], most: float) -> tuple[Turn, ...]:
    """The turns with a summary in place of the oldest ones; `pruned` if the model does not write one."""
    tail = pruned(turns, most / 2)
    older = turns[: len(turns) - len(tail)]
    if not older:
        return pruned(turns, most)
    asked = f"The conversation:\n{quoted('conversation', _told(older, most))}"
    try:
        reply = await model.ask(Ask(_SUMMARIZE, (User(asked),), max_tokens=SUMMARY_TOKENS))
    except BudgetExceeded:
        raise
    except OctoError:
        return pruned(turns, most)
    if reply.stop not in ("end_turn", "max_tokens") or not reply.text.strip():
        return pruned(turns, most)
    return (User(f"What was said before, in short:\n{quoted('summary', reply.text)}"), *tail)


def _told(turns: Sequence[Turn], most: float) -> str:
    return "\n".join(map(_line, turns))[-int(most * estimate.CHARACTERS) :]


def _line(turn: Turn) -> str:
    match turn:
        case User(text):
            return f"user: {text}"
        case Assistant(text, calls):
            told = "".join(f"\n  calls {each.name} with {json.dumps(each.arguments, default=str)}" for each in calls)
            return f"assistant: {text}{told}"
        case Results(results):
            return "\n".join(f"  {each.name} answered: {each.content}" for each in results)
