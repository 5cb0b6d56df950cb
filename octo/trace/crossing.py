"""What the recorder keeps of a running message: references, because a message never changes. `encode` makes records.

A *crossing* is a message going through a block or a flow. It is a plain list: creating a list takes a third of the
time of creating an instance, and a message makes some twenty crossings (`bench/measures/traces.py`).
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
"""The fields of a crossing: its `Spot`; the crossing that it happened inside, None for the first; the message before;
when it began; the `Message`, `Drop`, `Stop` or `Broken` that it ended with; when it ended, 0 until then.

Invariant: ENDED is 0 exactly while the block or flow runs. A one-way call starts its flow after the crossing of the
block that sent the message has ended, and so the recorder tells it from a call that is waited for.
"""

ALL = 1 << 56
"""The last 56 bits of a trace id decide whether the sample has it: W3C Trace Context, level 2, promises that these are
random.
"""

MOST_EFFECTS = 1000
"""Calls to other systems that a trace records, at most."""


class Spot:
    """Where crossings happen, a block or a flow: what all records of it have in common.

    step: None for a flow. mask: the fields that the flow declares under `mask`.
    clock: times the crossings. share: how many of `ALL` trace ids are in the sample.
    head: the JSON of the common part, once `encode` has written it.
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
    """How a crossing ended that returned nothing: `outcome` is "failed" or "cancelled"."""

    outcome: str
    error: Mapping[str, object] | None = None


class Effect(NamedTuple):
    """A call to another system, made inside a crossing. `at` is on the clock of the crossings."""

    crossing: Crossing
    kind: str
    at: int
    details: Mapping[str, object]


class OpenSpan:
    """The span under way (`octo.core.trace.Span`): of a trace, or of a block or called flow in it that waits.

    Invariant: while plain calls run, `open` is the innermost crossing of these; whenever something waits, it is the
    crossing of the span itself. So tasks may share a span: between two waits no other task runs.
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
    """The span of a block or called flow that waits."""

    __slots__ = ("crossings", "open", "trace")

    def __init__(self, trace: Trace, crossing: Crossing) -> None:
        self.trace = trace
        self.crossings = trace.crossings
        self.open = crossing


class Trace(OpenSpan):
    """A message through a flow and all it calls.

    Invariant: `crossings` are in the order in which they began, and the first is the flow's. So a crossing stands
    after the one that it happened inside, and its index gives its span id.
    Invariant: a flow ends after all that it waits for, so nothing is added to a trace that is over. A one-way call may
    still read its ids and its masks, which `clear` leaves.

    at: wall time of the beginning, in nanoseconds.
    event_id, sender: the event id of its first message, and the `traceparent` that this came with.
    number: the trace id, 0 until it is needed. caller: the span that called, of another system or trace.
    asked: whether the caller records this trace and relies on Octo to do the same.
    mask: the declared fields of flows that are not among its crossings, such as one that sent the message one-way.
    brief: whether it holds only what failed. more: how many crossings were not recorded.
    broken: whether a flow inside it failed or was cancelled. is_over: whether its flow has ended.
    waited: whether anything in it waited; if so, other contexts may still refer to it.
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
        """The fields that its flows declare under `mask`."""
        return self.mask.union(*[each[SITE].mask for each in self.crossings if each[SITE].mask])

    def clear(self) -> None:
        """Drop the messages: a context may outlive its trace, as a pooled connection keeps the one it was opened in."""
        for each in self.crossings:
            each[BEFORE] = each[AFTER] = None
        self.effects = ()


def number_of(event_id: str, sender: str = "") -> int:
    """The trace id of a message: its sender's, else one made of its event id, the same for its whole family.

    So the next process that runs the message computes the same id, and decides alike whether to record it.
    """
    parent = parse(sender) if sender else None
    if parent is not None:
        return int(parent.trace_id, 16)
    family = _bits(event_id[:FAMILY], FAMILY)
    # The beginning of an event id decides (`limit_of`), so it becomes the bits that decide for trace ids.
    return ((family & 0xFFFFFF) << 48 | family >> 32) << 56 | family >> 24 or 1


def span_of(event_id: str) -> str:
    """The span id of a message in its flow, from the part of its event id that differs within the family."""
    return f"{_bits(event_id[16:32], 16) or 1:016x}"


def _bits(text: str, digits: int) -> int:
    """The digits of an event id as a number; for an id that is not hexadecimal, a digest of it."""
    try:
        return int.from_bytes(bytes.fromhex(text.ljust(digits, "0")))
    except ValueError:
        return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=digits // 2).digest())


def is_chosen(number: int, share: int) -> bool:
    """Whether a trace id belongs to the sample; every process decides alike."""
    return number % ALL < share


def limit_of(share: int) -> str:
    """The bound of the sample: event ids below it, compared as text, have a `number_of` that is chosen."""
    return f"{share:014x}" if share < ALL else "g"


def share_of(sample: float) -> int:
    """How many of `ALL` ids a sample between 0.0 and 1.0 chooses."""
    return round(min(max(sample, 0.0), 1.0) * ALL)
