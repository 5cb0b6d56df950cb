"""Dashboard, alerts and documentation keep up with the list of metrics.

tests/acceptance/test_admin.py shows that a running Octo has these metrics.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from octo.engine.metrics import METRICS, OUTCOMES
from octo.operations.routes import ROUTES

ROOT = Path(__file__).parents[2]


def rules():
    """Return the alerts."""
    [group] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())["groups"]
    return group["rules"]


def dashboard():
    """Return every expression of the Grafana dashboard."""
    board = json.loads((ROOT / "deploy/grafana/octo.json").read_text())
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]


def test_the_dashboard_shows_every_metric():
    shown = " ".join(dashboard())

    assert [metric.name for metric in METRICS if not re.search(rf"\b{metric.name}(_bucket)?\b", shown)] == []


def test_values_of_labels_in_expressions_exist():
    text = "\n".join([*dashboard(), *(rule["expr"] for rule in rules())])

    assert set(re.findall(r'outcome="(\w+)"', text)) <= set(OUTCOMES)
    assert set(re.findall(r'result="(\w+)"', text)) <= {"applied", "refused"}


def test_every_alert_says_what_it_is_and_what_to_do_and_is_documented():
    page = (ROOT / "docs/operations.md").read_text()

    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert f"`{rule['alert']}`" in page


def table():
    """Return the table of metrics for docs/operations.md."""
    rows = ["| Metric | Labels | Kind | |", "|---|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        rows.append(f"| `{metric.name}` | {labels} | {metric.kind} | {metric.help} |")
    return "\n".join(rows)


def test_every_metric_is_documented():
    """docs/operations.md lists the metrics of the code."""
    assert table() in (ROOT / "docs/operations.md").read_text(), f"the table is\n{table()}"


def test_every_endpoint_is_documented():
    page = (ROOT / "docs/operations.md").read_text()

    assert [route.path for route in ROUTES if f"`{route.method} {route.path}`" not in page] == []
    assert [route.path for route in ROUTES if f"{route.path:13}  {route.says}" not in page] == []
