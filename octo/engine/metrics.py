"""Metrics: the counts of running flows, and the list of everything that is measured.

Counting may cost a message at most a microsecond, so the counts are plain integers that the bus adds to; names, labels
and help are added when a `Snapshot` is taken. Labels come only from the configuration and from error codes, never from
a message, so what authors wrote bounds the number of series.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from octo.core.errors import Bug, OctoError
from octo.core.flow import Drop, Failure, Outcome, Stop
from octo.core.message import Message
from octo.engine.events import Bus
from octo.expr import ExprError

BOUNDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""Upper bounds of the buckets of every histogram, in seconds; one more bucket holds what took longer."""

MOST_ERRORS = 1000
"""At most this many pairs of failing block and code are counted apart in one flow; further pairs are counted together.
A block that makes up codes must not exhaust memory."""


class Metric(NamedTuple):
    """One entry in the list of metrics. merge: how the values of several processes become one value."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    merge: Literal["sum", "max", "min"] = "sum"


METRICS = (
    Metric("octo_flow_messages_total", "counter", ("flow", "outcome"), "Messages that a flow has finished with."),
    Metric(
        "octo_flow_errors_total", "counter", ("flow", "block", "code"), "Unhandled errors, by the block they arose in."
    ),
    Metric("octo_flow_refused_total", "counter", ("flow",), "Messages that a flow had no room for."),
    Metric("octo_flow_duration_seconds", "histogram", ("flow",), "Time a message took, without waiting in line."),
    Metric("octo_flow_in_flight", "gauge", ("flow",), "Messages being worked on."),
    Metric("octo_flow_waiting", "gauge", ("flow",), "Messages standing in line for a worker."),
    Metric("octo_flow_workers", "gauge", ("flow",), "Messages the flow works on at once."),
    Metric("octo_flow_buffer", "gauge", ("flow",), "Messages that may stand in line."),
    Metric(
        "octo_block_messages_total",
        "counter",
        ("flow", "path", "type", "outcome"),
        "Messages a block has finished with; blocks named by --metrics-blocks.",
    ),
    Metric(
        "octo_block_duration_seconds",
        "histogram",
        ("flow", "path", "type"),
        "Time a block took; blocks named by --metrics-blocks.",
    ),
    Metric(
        "octo_source_healthy",
        "gauge",
        ("flow",),
        "1 if the pull source of a flow works and its messages move, else 0.",
        "min",
    ),
    Metric("octo_ready", "gauge", (), "1 while /readyz says ready, else 0.", "min"),
    Metric("octo_flows", "gauge", (), "Flows of the running configuration.", "max"),
    Metric("octo_connectors", "gauge", (), "Connectors of the running configuration.", "max"),
    Metric("octo_connector_healthy", "gauge", ("connector", "type"), "1 if the connector works, else 0.", "min"),
    Metric("octo_generation", "gauge", (), "Which configuration of its process runs, counted from 1.", "max"),
    Metric("octo_reloads_total", "counter", ("result",), "Edits that were applied or refused, in each process."),
    Metric("octo_threads_hanging", "gauge", (), "Threads in a function that nobody waits for any more."),
    Metric("octo_event_loop_lag_seconds", "histogram", (), "How late the event loop was, measured every 0.25 s."),
    Metric("octo_event_loop_lag_max_seconds", "gauge", (), "Its worst lag of the last 10 s.", "max"),
    Metric(
        "octo_event_loop_stalls_total", "counter", (), "How often the event loop stood still for more than a second."
    ),
    Metric("octo_event_loop_stalled_seconds_total", "counter", (), "Seconds for which it then stood still."),
    Metric(
        "octo_traces_dropped_total",
        "counter",
        (),
        "Traces that did not reach their store or collector: it failed, refused them, or did not keep up.",
    ),
    Metric("octo_log_lines_lost_total", "counter", (), "Log lines that could not be written."),
    Metric("octo_processes", "gauge", (), "Processes that run the configuration."),
    Metric(
        "octo_processes_replaced_total",
        "counter",
        (),
        "Processes that ended or hung, and were replaced.",
    ),
    Metric("octo_build_info", "gauge", ("version", "python"), "Always 1; the labels say what runs.", "max"),
    Metric("process_cpu_seconds_total", "counter", (), "Processor time spent."),
    Metric("process_resident_memory_bytes", "gauge", (), "Memory in use."),
    Metric("process_open_fds", "gauge", (), "Open file descriptors."),
    Metric("process_max_fds", "gauge", (), "Limit of open file descriptors."),
    Metric("process_start_time_seconds", "gauge", (), "Start of the youngest process, since the epoch.", "max"),
)
"""Every metric. The exposition, the merging and docs/operations.md follow this list."""

OUTCOMES = ("completed", "dropped", "failed", "cancelled")

Value = Any
"""A number, or for a histogram `{"counts": [messages per bucket], "sum": seconds}`. JSON can hold both."""

Series = list[tuple[Sequence[str], Value]]
"""The values of one metric with their labels, in the order of `Metric.labels`."""

Snapshot = Mapping[str, Series]
"""The values of all metrics at one moment, by name. JSON keeps it as it is, except that tuples become lists."""


class Histogram:
    """How often values fell between the `BOUNDS`, and their sum."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def value(self) -> Value:
        return {"counts": self.counts.copy(), "sum": self.sum}


class FlowCounts:
    """The counts of one flow."""

    __slots__ = ("durations", "errors", "outcomes", "refused")

    def __init__(self) -> None:
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.durations = Histogram()
        self.errors: Counter[tuple[str, str]] = Counter()
        self.refused = 0

    def failed(self, failure: Failure) -> None:
        self.outcomes["failed"] += 1
        cause = failure.cause
        code = cause.code if isinstance(cause, OctoError | ExprError) else Bug.code
        where = (failure.address, code)
        self.errors[where if where in self.errors or len(self.errors) < MOST_ERRORS else ("", "")] += 1


class Metrics(Bus):
    """A bus that counts as messages pass; building an event for each of them would cost three times what counting does.

    A flow keeps its counts when a reload removes it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._flows: dict[str, FlowCounts] = {}

    def expect(self, flows: Iterable[str]) -> None:
        """Show these flows with zeros before their first message, so that their rates have a beginning."""
        for name in flows:
            self._flows.setdefault(name, FlowCounts())

    def refused(self, flow: str) -> None:
        self._flows.setdefault(flow, FlowCounts()).refused += 1

    def ended(self, flow: str, message: Message, outcome: Outcome | BaseException, duration: float) -> None:
        counts = self._flows.get(flow)
        if counts is None:
            counts = self._flows[flow] = FlowCounts()
        if outcome.__class__ is Message or outcome.__class__ is Stop:
            counts.outcomes["completed"] += 1
        elif outcome.__class__ is Drop:
            counts.outcomes["dropped"] += 1
        elif isinstance(outcome, Failure):
            counts.failed(outcome)
        else:
            counts.outcomes["cancelled"] += 1
        counts.durations.add(duration)
        if self._handlers:
            super().ended(flow, message, outcome, duration)

    def snapshot(self) -> dict[str, Series]:
        """Return the counts of this moment."""
        flows = list(self._flows.items())
        return {
            "octo_flow_messages_total": [
                ((name, outcome), count) for name, flow in flows for outcome, count in flow.outcomes.items()
            ],
            "octo_flow_errors_total": [
                ((name, *where), count) for name, flow in flows for where, count in flow.errors.items()
            ],
            "octo_flow_refused_total": [((name,), flow.refused) for name, flow in flows],
            "octo_flow_duration_seconds": [((name,), flow.durations.value()) for name, flow in flows],
        }


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Return the seconds below which this share of a histogram's values lies; None if it has no values.

    The estimate is that of Prometheus: values are spread evenly within a bucket, and no result exceeds the last bound.
    """
    rank = share * sum(counts)
    if not rank:
        return None
    lower, below = 0.0, 0
    for bound, count in zip(BOUNDS, counts, strict=False):
        if below + count >= rank:
            return lower + (bound - lower) * (rank - below) / count
        lower, below = bound, below + count
    return lower
