"""Prometheus reads what was counted."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from octo.engine.metrics import METRICS
from octo.operations.exposition import exposition

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


@pytest.mark.parametrize(("accept", "parse"), [("", plain), (OPENMETRICS, openmetrics), ("*/*;q=0.1", plain)])
def test_counters_gauges_and_histograms_can_be_read_back(accept, parse, histogram):
    snapshot = {
        "octo_flow_messages_total": [(("a", "completed"), 3)],
        "octo_flow_waiting": [(("a",), 2)],
        "octo_flow_duration_seconds": [(["a"], histogram(0, 17, 18))],
    }

    body, content_type = exposition(snapshot, accept)
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in parse(body.decode())
        for sample in family.samples
    }

    assert content_type.startswith(accept.split(";")[0] if accept == OPENMETRICS else "text/plain")
    assert samples["octo_flow_messages_total", "a", "completed"] == 3
    assert samples["octo_flow_waiting", "a"] == 2
    assert samples["octo_flow_duration_seconds_bucket", "0.0001", "a"] == 1
    assert {samples[key] for key in samples if key[1:] in {("60", "a"), ("60.0", "a")}} == {2}
    assert samples["octo_flow_duration_seconds_bucket", "+Inf", "a"] == 3
    assert samples["octo_flow_duration_seconds_count", "a"] == 3
    assert samples["octo_flow_duration_seconds_sum", "a"] == 1.5


def test_a_name_with_quotes_and_line_breaks_stays_one_label():
    body, _ = exposition({"octo_flow_waiting": [(('a"b\n\\',), 1)]}, "")

    [family] = [each for each in plain(body.decode()) if each.samples]
    assert family.samples[0].labels == {"flow": 'a"b\n\\'}


def test_every_metric_is_described():
    text = exposition({}, "")[0].decode()

    assert [metric.name for metric in METRICS if f"# HELP {metric.name} {metric.help}" not in text] == []
