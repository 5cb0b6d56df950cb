"""Deadlocks among flows that call one another in a circle: every permit waits for another, and none can come free.

A message that calls waits for a permit of the called flow, one that sends waits for room in its line; both come only
when a permit of that flow comes free. The call that would close such a ring is found here before it waits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Protocol


class Lender(Protocol):
    """A flow, as far as it matters here. lent: its permits in use."""

    lent: set[Permit]

    @property
    def has_free(self) -> bool:
        """Whether a permit is free."""
        ...


class Permit:
    """A permit in use. awaits: the flows that its message waits for; several if it waits in several branches."""

    __slots__ = ("awaits",)

    def __init__(self) -> None:
        self.awaits: list[Lender] = []


@contextmanager
def awaiting(flow: Lender, held: Collection[Permit]) -> Iterator[None]:
    """A context in which the holder of these permits waits for a permit of `flow`, or for room in its line."""
    for permit in held:
        permit.awaits.append(flow)
    try:
        yield
    finally:
        for permit in held:
            permit.awaits.remove(flow)


def is_endless(flow: Lender, held: Collection[Permit]) -> bool:
    """Whether the holder of these permits would wait for ever for one of `flow`.

    A flow moves if it has a free permit, or one whose message waits for no flow but those that move.
    """
    known = _awaited(flow)
    moving: set[Lender] = set()
    while more := [each for each in known if each not in moving and _moves(each, held, moving)]:
        moving.update(more)
    return flow not in moving


def _moves(flow: Lender, held: Collection[Permit], moving: set[Lender]) -> bool:
    return flow.has_free or any(permit not in held and moving.issuperset(permit.awaits) for permit in flow.lent)


def _awaited(flow: Lender) -> list[Lender]:
    """The flow and all that its messages wait for, directly or not."""
    found = {flow: None}
    waiting = [flow]
    while waiting:
        for permit in waiting.pop().lent:
            waiting += [each for each in permit.awaits if each not in found]
            found.update(dict.fromkeys(permit.awaits))
    return list(found)
