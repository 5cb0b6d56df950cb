"""`/metrics`: a snapshot in the format of Prometheus, written by its own library."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from octo.engine.metrics import BOUNDS, METRICS, Snapshot

_BUCKETS = (*(f"{bound:g}" for bound in BOUNDS), "+Inf")


def exposition(snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    """Return the text and its content type, in the newest format that the `Accept` header allows."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(snapshot))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Collector(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        for metric in METRICS:
            series = self._snapshot.get(metric.name, ())
            if metric.kind == "histogram":
                histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
                for labels, value in series:
                    below = accumulate(value["counts"])
                    histogram.add_metric(labels, list(zip(_BUCKETS, below, strict=True)), value["sum"])
                yield histogram
                continue
            family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            plain = family(metric.name, metric.help, labels=metric.labels)
            for labels, value in series:
                plain.add_metric(labels, value)
            yield plain
