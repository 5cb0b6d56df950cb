"""A variable that a composite lends to its chain, as it was before."""

from __future__ import annotations

from octo.core.flow import Drop, Outcome, Stop
from octo.core.message import Message


def restored(name: str, before: Message, after: Outcome) -> Outcome:
    """Return the outcome with the variable as it was before the block, or without it."""
    if isinstance(after, Drop):
        return after
    if isinstance(after, Stop):
        return Stop(_restored(name, before, after.message))
    return _restored(name, before, after)


def _restored(name: str, before: Message, after: Message) -> Message:
    if name in before.vars:
        return after.with_var(name, before.vars[name])
    return after.with_vars({key: value for key, value in after.vars.items() if key != name})
