"""What is kept of a message on its way: references, for a message never changes. `encode` makes records of them.

A *crossing* is a message going through a block or a flow. It is a plain list: a list is made in a third of the time
that an instance of a class takes, and a message makes some twenty crossings (`bench/measures/traces.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from octo.core.message import FAMILY, Message
from octo.core.trace import parse
from octo.engine.step import Step
from octo.trace.packed import span_id

Crossing = list[Any]
SITE, ABOVE, BEFORE, BEGAN, AFTER, ENDED = range(6)
"""What stands where: the `Spot`; the crossing it happened inside, None for the first; the message before; when it
began; its `Message`, `Drop` or `Broken` end; when that came, 0 until then.
"""

ALL = 1 << 56
"""Trace ids are chosen by their last 56 bits: these are random for certain (W3C Trace Context, level 2)."""

MOST_EFFECTS = 1000
"""Calls to the outside that are recorded per trace."""


class Spot:
    """Where crossings happen: what all records of it have in common.

    step: None for a flow. mask: fields that the flow declares as not for the eyes.
    clock: what the crossings are timed with. share: how many of `ALL` trace ids are chosen.
    head: what `encode` has once written of it.
    """

    __slots__ = ("clock", "flow", "generation", "head", "mask", "share", "step")

    def __init__(
        self,
        flow: str,
        step: Step | None = None,
        mask: frozenset[str] = frozenset(),
        generation: int = 1,
        clock: Callable[[], int] = time.perf_counter_ns,
        share: int = ALL,
    ) -> None:
        self.flow = flow
        self.step = step
        self.mask = mask
        self.generation = generation
        self.clock = clock
        self.share = share
        self.head: Any = None


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


class OpenSpan:
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
        return f"00-{trace.id}-{trace.span(self.open)}-{'01' if trace.is_chosen else '00'}"

    def effect(self, kind: str, details: dict[str, object]) -> None:
        trace = self.trace
        if trace.is_over or len(trace.effects) >= MOST_EFFECTS:
            return
        if not trace.effects:
            trace.effects = []
        trace.effects.append(Effect(self.open, kind, trace.site.clock(), details))


class Within(OpenSpan):
    """Of a block or called flow that waits."""

    __slots__ = ("crossings", "open", "trace")

    def __init__(self, trace: Trace, crossing: Crossing) -> None:
        self.trace = trace
        self.crossings = trace.crossings
        self.open = crossing


class Trace(OpenSpan):
    """A message through a flow and all it calls: the crossings in the order they began, the first is the flow's.

    at: wall time of the beginning, in nanoseconds.
    event_id, sender: of its first message, the event id and the `traceparent` that it came with.
    number: the trace id, once somebody asked for it. caller: the span that called, of another system or trace.
    asked: whether the caller records this trace and relies on us doing so.
    mask: fields declared by flows that are not among its crossings, as those that handed the message on one-way.
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

    def __init__(self, first: Crossing, at: int) -> None:
        message: Message = first[BEFORE]
        self.event_id = message.event_id
        self.sender = message.traceparent
        self.open = first
        self.crossings = [first]
        self.at = at

    @property
    def trace(self) -> Trace:  # type: ignore[override]
        return self

    @property
    def site(self) -> Spot:
        return self.crossings[0][SITE]  # type: ignore[no-any-return]

    @property
    def id(self) -> str:
        return f"{self.number or self._numbered():032x}"

    def _numbered(self) -> int:
        self.number = number_of(self.event_id, self.sender)
        return self.number

    @property
    def base(self) -> int:
        """The first span id, as a number; the others count from there."""
        return int(span_of(self.event_id), 16)

    def span(self, crossing: Crossing) -> str:
        """The span id of one of its crossings."""
        return span_id(self.base, next(index for index, each in enumerate(self.crossings) if each is crossing))

    @property
    def has_failed(self) -> bool:
        """Whether its flow, or one that it called, failed or was cancelled."""
        return self.broken or self.crossings[0][AFTER].__class__ is Broken

    @property
    def is_chosen(self) -> bool:
        """Whether it belongs to the sample."""
        share = self.site.share
        return self.asked or share == ALL or is_chosen(self.number or self._numbered(), share)

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


def number_of(event_id: str, sender: str = "") -> int:
    """The trace id of a message: its sender's, else one made of its event id, the same for its whole family.

    So who runs it next comes to the same id, and to the same answer whether to record it, without being told.
    """
    parent = parse(sender) if sender else None
    if parent is not None:
        return int(parent.trace_id, 16)
    family = _bits(event_id[:FAMILY], FAMILY)
    # What an event id begins with decides (`limit_of`), so it goes where trace ids are decided by.
    return ((family & 0xFFFFFF) << 48 | family >> 32) << 56 | family >> 24 or 1


def span_of(event_id: str) -> str:
    """The span id of a message in its flow: what tells its event id from others of the family."""
    return f"{_bits(event_id[16:32], 16) or 1:016x}"


def _bits(text: str, digits: int) -> int:
    """What the digits of an event id mean; of an id that somebody else made up, a digest."""
    try:
        return int.from_bytes(bytes.fromhex(text.ljust(digits, "0")))
    except ValueError:
        return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=digits // 2).digest())


def is_chosen(number: int, share: int) -> bool:
    """Whether a trace id belongs to the sample; other processes come to the same answer."""
    return number % ALL < share


def limit_of(share: int) -> str:
    """The event ids that are smaller than this, as text, have a `number_of` that is chosen."""
    return f"{share:014x}" if share < ALL else "g"


def share_of(sample: float) -> int:
    """How many of `ALL` ids are chosen for a sample between 0.0 and 1.0."""
    return round(min(max(sample, 0.0), 1.0) * ALL)
