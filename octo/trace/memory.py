"""A store in memory: the newest traces of every flow."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from octo.trace.encode import Encoded, Summary
from octo.trace.ids import chosen
from octo.trace.packed import records
from octo.trace.record import Record

BYTES_PER_FLOW = 1024 * 1024


class Memory:
    """A ring per flow, so that a busy flow does not displace the traces of others.

    bytes_per_flow: how much each ring may hold; the newest trace of a flow is kept however large it is.
    """

    name = "memory"

    def __init__(self, bytes_per_flow: int = BYTES_PER_FLOW) -> None:
        self._limit = bytes_per_flow
        self._lock = threading.Lock()
        self._rings: dict[str, deque[Encoded]] = {}
        self._sizes: dict[str, int] = {}

    def write(self, traces: Sequence[Encoded]) -> None:
        with self._lock:
            for each in traces:
                self._add(each)

    def _add(self, trace: Encoded) -> None:
        flow = trace.summary.flow
        ring = self._rings.setdefault(flow, deque())
        ring.append(trace)
        size = self._sizes.get(flow, 0) + len(trace.data)
        while size > self._limit and len(ring) > 1:
            size -= len(ring.popleft().data)
        self._sizes[flow] = size

    def close(self) -> None:
        """Do nothing: the traces stay until the process ends."""

    def find(
        self, flow: str | None = None, outcome: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[Summary]:
        """See `octo.trace.store.Store`."""
        found = [
            each.summary
            for each in self._all()
            if flow in (None, each.summary.flow)
            and outcome in (None, each.summary.outcome)
            and (before is None or each.summary.at < before)
        ]
        return found[::-1][:limit]

    def get(self, id: str) -> list[Record]:  # noqa: A002  see `Store`
        """See `octo.trace.store.Store`."""
        traces = self._all()
        positions = chosen(id, ((each.summary, each.events) for each in traces))
        return [record for position in positions for record in records(traces[position].data)]

    def _all(self) -> list[Encoded]:
        """The oldest first."""
        with self._lock:
            traces = [each for ring in self._rings.values() for each in ring]
        return sorted(traces, key=lambda each: each.summary.at)
