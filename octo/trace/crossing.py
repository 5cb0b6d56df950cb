"""What is kept of a message on its way: references, for a message never changes. `encode` makes records of them.

A *crossing* is a message going through a block or a flow. It is a plain list: a list is made in a third of the time
that an instance of a class takes, and a message makes some twenty crossings (`bench/measures/traces.py`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from octo.engine.chain import Step

Crossing = list[Any]
SITE, ABOVE, BEFORE, BEGAN, AFTER, ENDED, SPAN = range(7)
"""What stands where: the `Site`; the crossing it happened inside, None for the first; the message before; when it
began; its `Message`, `Drop` or `Broken` end; when that came, 0 until then; its span id, "" until somebody asks.
"""

_random = random.Random()  # noqa: S311  ids tell traces apart, they are no secret
_SHARE = (1 << 56) - 1
"""The bits of a trace id that are random for certain (W3C Trace Context, level 2), so those that decide on samples."""

MOST_EFFECTS = 1000
"""Calls to the outside that are recorded per trace."""


class Site(NamedTuple):
    """Where crossings happen: what all records of it have in common.

    step: None for a flow. mask: fields that the flow declares as not for the eyes.
    clock: what the crossings are timed with. share: how many of 2**56 trace ids are chosen.
    """

    flow: str
    step: Step | None = None
    mask: frozenset[str] = frozenset()
    generation: int = 1
    clock: Callable[[], int] = time.perf_counter_ns
    share: int = _SHARE + 1


class Broken(NamedTuple):
    """How a crossing ended that did not answer: `outcome` is "failed" or "cancelled"."""

    outcome: str
    error: Mapping[str, object] | None = None


class Effect(NamedTuple):
    """A call to the outside, made inside a crossing. `at` is on the clock of the crossings."""

    crossing: Crossing
    kind: str
    at: int
    details: Mapping[str, object]


class Scope:
    """The span under way (`octo.core.trace.Span`): of a trace, or of a block or called flow in it that waits.

    Invariant: `open` is the innermost crossing of the plain calls that run just now, and that of the scope itself
    whenever something waits. So tasks may share a scope: between two waits nobody else runs.
    """

    __slots__ = ()

    crossings: list[Crossing]
    open: Crossing
    trace: Trace

    @property
    def traceparent(self) -> str:
        trace = self.trace
        return f"00-{trace.id}-{span(self.open)}-{'01' if trace.is_chosen else '00'}"

    def effect(self, kind: str, details: dict[str, object]) -> None:
        trace = self.trace
        if trace.is_over or len(trace.effects) >= MOST_EFFECTS:
            return
        if not trace.effects:
            trace.effects = []
        trace.effects.append(Effect(self.open, kind, trace.site.clock(), details))


class Within(Scope):
    """Of a block or called flow that waits."""

    __slots__ = ("crossings", "open", "trace")

    def __init__(self, trace: Trace, crossing: Crossing) -> None:
        self.trace = trace
        self.crossings = trace.crossings
        self.open = crossing


class Trace(Scope):
    """A message through a flow and all it calls: the crossings in the order they began, the first is the flow's.

    at: wall time of the beginning, in nanoseconds.
    number: the trace id, once somebody asked for it. caller: the span that called, of another system or trace.
    asked: whether the caller records this trace and relies on us doing so.
    mask: fields declared by flows that handed the message on one-way.
    drawn: whether it is in the sample whatever its id; the id will then be one that is.
    brief: whether only what failed was recorded. more: crossings that were not recorded.
    broken: whether a flow failed or was cancelled. is_over: nothing will come.
    """

    number = 0
    caller = ""
    asked = False
    mask: frozenset[str] = frozenset()
    effects: Any = ()
    more = 0
    broken = False
    waited = False
    is_over = False
    brief = False
    drawn = False

    def __init__(self, first: Crossing, at: int) -> None:
        self.open = first
        self.crossings = [first]
        self.at = at

    @property
    def trace(self) -> Trace:  # type: ignore[override]
        return self

    @property
    def site(self) -> Site:
        return self.crossings[0][SITE]  # type: ignore[no-any-return]

    @property
    def id(self) -> str:
        return f"{self.number or self._numbered():032x}"

    def _numbered(self) -> int:
        share = self.site.share
        self.number = id_inside(share) if self.drawn else id_of_trace()
        return self.number

    @property
    def is_chosen(self) -> bool:
        """Whether it belongs to the sample."""
        return self.asked or is_chosen(self.number or self._numbered(), self.site.share)

    def wall(self, moment: int) -> int:
        """The wall time at a moment of the clock."""
        return int(self.at - self.crossings[0][BEGAN] + moment)

    def masks(self) -> frozenset[str]:
        """The declared fields of all its flows."""
        return self.mask.union(*[each[SITE].mask for each in self.crossings if each[SITE].mask])

    def clear(self) -> None:
        """Let go of the messages: contexts outlive their trace, as a pooled connection keeps the one it was made in."""
        for each in self.crossings:
            each[BEFORE] = each[AFTER] = None
        self.effects = ()


def id_of_span() -> str:
    """16 hexadecimal digits."""
    return f"{_random.getrandbits(64) or 1:016x}"


def id_of_trace() -> int:
    """A number of 128 bits."""
    return _random.getrandbits(128) or 1


def id_outside(share: int) -> int:
    """The id of a trace that is not in the sample."""
    return _random.getrandbits(72) << 56 | _random.randrange(share, _SHARE + 1)


def id_inside(share: int) -> int:
    """The id of a trace that is in the sample."""
    return (_random.getrandbits(72) << 56 | _random.randrange(share)) or 1


chance = _random.random


def is_chosen(number: int, share: int) -> bool:
    """Whether a trace id belongs to the sample; other processes come to the same answer."""
    return (number & _SHARE) < share


def span(crossing: Crossing) -> str:
    """Its span id."""
    if not crossing[SPAN]:
        crossing[SPAN] = id_of_span()
    return crossing[SPAN]  # type: ignore[no-any-return]


def share_of(sample: float) -> int:
    """How many of 2**56 ids are chosen for a sample between 0.0 and 1.0."""
    return round(min(max(sample, 0.0), 1.0) * (_SHARE + 1))
