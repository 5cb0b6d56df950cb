"""`/status`: what runs and how it is doing, from facts and a snapshot of the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from octo.engine.metrics import OUTCOMES, Snapshot, Value, quantile
from octo.operations.subject import Facts


def report(facts: Facts, snapshot: Snapshot, reasons: Sequence[str]) -> dict[str, Any]:
    """Return the document. Durations are in seconds, memory in bytes; `p50` and `p99` cover all messages since the
    start and are null before the first.
    """
    values = Values(snapshot)
    return {
        **{name: facts[name] for name in ("version", "python", "name", "config", "started", "uptime")},
        "ready": not reasons,
        "reasons": list(reasons),
        **{name: facts[name] for name in ("generation", "refused")},
        "loop_lag": round(values.of("octo_event_loop_lag_max_seconds", default=0.0), 6),
        "memory": values.of("process_resident_memory_bytes"),
        "flows": [flow | _figures(flow["name"], values) for flow in facts["flows"]],
        **{name: facts[name] for name in ("connectors", "processes")},
    }


def _figures(flow: str, values: Values) -> dict[str, Any]:
    counts = values.of("octo_flow_duration_seconds", flow, default={"counts": []})["counts"]
    return {
        **{name: values.of(f"octo_flow_{name}", flow) for name in ("workers", "in_flight", "buffer", "waiting")},
        **{outcome: values.of("octo_flow_messages_total", flow, outcome) for outcome in OUTCOMES},
        "p50": _rounded(quantile(counts, 0.5)),
        "p99": _rounded(quantile(counts, 0.99)),
    }


def moment(nanoseconds: int) -> str:
    """Return a time, in nanoseconds since the epoch, as RFC 3339 in UTC."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else float(f"{seconds:.3g}")


class Values:
    """The values of a snapshot, by name and labels."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._metrics: dict[str, Mapping[tuple[str, ...], Value]] = {
            name: {tuple(labels): value for labels, value in series} for name, series in snapshot.items()
        }

    def of(self, name: str, *labels: str, default: Value = 0) -> Value:
        """Return the value with exactly these labels."""
        return self._metrics.get(name, {}).get(labels, default)

    def all(self, name: str) -> Mapping[tuple[str, ...], Value]:
        """Return the values of one metric, by their labels."""
        return self._metrics.get(name, {})
