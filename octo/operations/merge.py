"""Merges the snapshots of several processes into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from octo.engine.metrics import METRICS, Metric, Series, Snapshot, Value


def merged(snapshots: Iterable[Snapshot]) -> dict[str, Series]:
    """Return one snapshot for all of them, in the order of `METRICS`. `Metric.merge` says how each is joined."""
    snapshots = list(snapshots)
    return {metric.name: _joined(metric, [each.get(metric.name, ()) for each in snapshots]) for metric in METRICS}


def _joined(metric: Metric, parts: Iterable[Iterable[tuple[Sequence[str], Value]]]) -> Series:
    values: dict[tuple[str, ...], list[Value]] = {}
    for part in parts:
        for labels, value in part:
            values.setdefault(tuple(labels), []).append(value)
    join = _summed if metric.kind == "histogram" else _JOINS[metric.merge]
    return [(labels, join(each)) for labels, each in values.items()]


def _summed(histograms: Sequence[Value]) -> Value:
    counts = [sum(each) for each in zip(*(each["counts"] for each in histograms), strict=True)]
    return {"counts": counts, "sum": sum(each["sum"] for each in histograms)}


_JOINS: Mapping[str, Callable[..., Any]] = {"sum": sum, "max": max, "min": min}


def counters(snapshot: Snapshot) -> dict[str, Series]:
    """Return the values that only grow: the part of a snapshot that outlives its process."""
    return {
        metric.name: list(snapshot[metric.name])
        for metric in METRICS
        if metric.kind != "gauge" and metric.name in snapshot
    }
