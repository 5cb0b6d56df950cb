"""Counts and histograms of several processes are added up; of gauges the sum or the worst is taken."""

from __future__ import annotations

import json

from octo.engine.metrics import METRICS
from octo.operations.merge import counters, merged


def test_each_metric_is_joined_as_its_entry_says(histogram):
    one = {
        "octo_flow_messages_total": [(("f", "completed"), 2), (("f", "failed"), 1)],
        "octo_flow_duration_seconds": [(("f",), histogram(0, 3))],
        "octo_flow_waiting": [(("f",), 4)],
        "octo_ready": [((), 1)],
        "octo_generation": [((), 3)],
    }
    other = {
        "octo_flow_messages_total": [(("f", "completed"), 5), (("g", "completed"), 7)],
        "octo_flow_duration_seconds": [(("f",), histogram(3))],
        "octo_flow_waiting": [(("f",), 1)],
        "octo_ready": [((), 0)],
        "octo_generation": [((), 1)],
    }

    both = {name: dict(series) for name, series in merged([one, other]).items()}

    assert both["octo_flow_messages_total"] == {("f", "completed"): 7, ("f", "failed"): 1, ("g", "completed"): 7}
    assert both["octo_flow_duration_seconds"] == {("f",): histogram(0, 3, 3)}
    assert both["octo_flow_waiting"] == {("f",): 5}
    assert both["octo_ready"] == {(): 0}
    assert both["octo_generation"] == {(): 3}


def test_what_went_over_a_wire_as_json_is_added_the_same(histogram):
    one = {"octo_flow_duration_seconds": [(("f",), histogram(1))]}

    assert merged([json.loads(json.dumps(one)), one]) == merged([one, one])


def test_all_metrics_are_there_and_in_order():
    assert list(merged([])) == [metric.name for metric in METRICS]


def test_only_what_grows_outlives_a_process(histogram):
    kept = counters(
        {
            "octo_flow_messages_total": [(("f", "completed"), 2)],
            "octo_flow_duration_seconds": [(("f",), histogram(1))],
            "octo_flow_in_flight": [(("f",), 2)],
            "process_resident_memory_bytes": [((), 1)],
        }
    )

    assert list(kept) == ["octo_flow_messages_total", "octo_flow_duration_seconds"]
