"""Rates per second, from the difference between two snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from octo.engine.metrics import BOUNDS, OUTCOMES, Snapshot, quantile
from octo.operations.status import Values


class Pace(NamedTuple):
    """Messages between the snapshots. rate, errors: per second. p50, p99: seconds, None if there were no messages."""

    rate: float
    errors: float
    p50: float | None
    p99: float | None


class FlowPace(NamedTuple):
    """A flow: its pace, and how full it is now."""

    name: str
    pace: Pace
    in_flight: int
    workers: int
    waiting: int
    buffer: int


class BlockPace(NamedTuple):
    """A block that has metrics."""

    flow: str
    path: str
    type: str
    pace: Pace


class ErrorPace(NamedTuple):
    """Unhandled errors with one code from one block. rate: per second. total: since the start.

    block: its address; it and the code are "" for those that are counted together.
    """

    flow: str
    block: str
    code: str
    rate: float
    total: int


class Rates:
    """The rates between two snapshots, `seconds` apart. A count that fell started again from 0, after a restart."""

    def __init__(self, before: Snapshot, after: Snapshot, seconds: float) -> None:
        self._before = Values(before)
        self._after = Values(after)
        self._seconds = seconds

    def flows(self) -> list[FlowPace]:
        """Return the flows of the running configuration, in its order."""
        return [
            FlowPace(
                flow, self._pace("octo_flow", (flow,)), *(self._after.of(f"octo_flow_{name}", flow) for name in _ROOM)
            )
            for (flow,) in self._after.all("octo_flow_workers")
        ]

    def blocks(self) -> list[BlockPace]:
        """Return the measured blocks of all flows."""
        found = self._after.all("octo_block_duration_seconds")
        return [
            BlockPace(flow, path, type_, self._pace("octo_block", (flow, path, type_))) for flow, path, type_ in found
        ]

    def errors(self) -> list[ErrorPace]:
        """Return the errors of all flows, the most frequent first: now, then since the start."""
        name = "octo_flow_errors_total"
        found = [
            ErrorPace(flow, block, code, self._grown(name, (flow, block, code)) / self._seconds, total)
            for (flow, block, code), total in self._after.all(name).items()
        ]
        return sorted(found, key=lambda each: (-each.rate, -each.total, each[:3]))

    def _pace(self, what: str, labels: tuple[str, ...]) -> Pace:
        counts = self._grown_counts(f"{what}_duration_seconds", labels)
        grown = {each: self._grown(f"{what}_messages_total", (*labels, each)) for each in OUTCOMES}
        errors = grown["failed"] + grown["cancelled"]
        return Pace(
            sum(grown.values()) / self._seconds, errors / self._seconds, quantile(counts, 0.5), quantile(counts, 0.99)
        )

    def _grown(self, name: str, labels: tuple[str, ...]) -> float:
        before, after = self._before.of(name, *labels), self._after.of(name, *labels)
        return float(after - before if after >= before else after)

    def _grown_counts(self, name: str, labels: tuple[str, ...]) -> Sequence[int]:
        after = self._after.of(name, *labels, default=_NONE)["counts"]
        before = self._before.of(name, *labels, default=_NONE)["counts"]
        if any(late < early for early, late in zip(before, after, strict=True)):
            return after  # type: ignore[no-any-return]
        return [late - early for early, late in zip(before, after, strict=True)]


_ROOM = ("in_flight", "workers", "waiting", "buffer")
_NONE = {"counts": [0] * (len(BOUNDS) + 1)}
