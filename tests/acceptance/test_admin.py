"""The operations port of real processes, as orchestrators, Prometheus and people see it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from octo.engine.metrics import METRICS

ROOT = Path(__file__).parents[2]

WORDS = {
    "and", "avg", "by", "changes", "histogram_quantile", "increase", "label_values", "max", "min", "on", "rate", "sum",
    "topk",
}  # fmt: skip
"""Names that PromQL and Grafana define themselves."""

TARGET = {"job", "instance"}
"""Labels that Prometheus adds when it scrapes."""


def expressions():
    """Every expression in the Grafana dashboard and the alerts."""
    board = json.loads((ROOT / "deploy/grafana/octo.json").read_text())
    [group] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())["groups"]
    return [
        *(target["expr"] for panel in board["panels"] for target in panel.get("targets", ())),
        *(each["definition"] for each in board["templating"]["list"] if "definition" in each),
        *(rule["expr"] for rule in group["rules"]),
    ]


def legends():
    """Every label that a legend or an annotation uses."""
    board = json.loads((ROOT / "deploy/grafana/octo.json").read_text())
    texts = [target["legendFormat"] for panel in board["panels"] for target in panel.get("targets", ())]
    texts.append((ROOT / "deploy/prometheus/alerts.yaml").read_text())
    return set(re.findall(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}", "\n".join(texts)))


def names(expression):
    """The metrics and labels that an expression uses."""
    plain = re.sub(r'"[^"]*"|\[[^\]]*\]|\$\w+', "", expression)
    return set(re.findall(r"[a-zA-Z_]\w*", plain)) - WORDS - TARGET


def samples(text):
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


@pytest.fixture
def admin(http, free_port):
    """Ask the operations port, e.g. `admin("/readyz")`. Pass `admin.flag` to `octo run`."""
    port = free_port()

    def ask(path, data=None, method=None, **headers):
        return http(f"http://127.0.0.1:{port}{path}", data, method, headers)

    ask.port = port
    ask.flag = f"--admin-addr=127.0.0.1:{port}"
    return ask


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


PULLED = """
  - name: beat
    source: {type: cron, settings: {schedule: "@every 1h"}}
    process: []
"""


def test_dashboard_and_alerts_speak_of_what_a_running_sample_tells(octo, admin, port, http, tmp_path):
    """A sample, with a flow whose source is pulled: the sample has none."""
    sample = tmp_path / "orders.yaml"
    sample.write_text((ROOT / "samples/http-orders.yaml").read_text().rstrip() + PULLED)
    octo("run", str(sample), admin.flag, "--metrics-blocks", "*", HTTP_PORT=str(port))
    url = f"http://127.0.0.1:{port}/api/v1/orders/42"
    assert http(url, {"item": "widget", "amount": 1500})[0] == 200
    assert http(url, {"item": "widget", "amount": "many"})[0] == 500

    found = samples(admin("/metrics")[1])
    told = {sample.name for sample in found}
    labels = {label for sample in found for label in sample.labels}

    assert {name for each in expressions() for name in names(each)} - told - labels == set()
    assert legends() - labels - TARGET == set()
    for metric in METRICS:
        assert (f"{metric.name}_bucket" if metric.kind == "histogram" else metric.name) in told
        assert set(metric.labels) <= labels
    errors = [sample.labels for sample in found if sample.name == "octo_flow_errors_total"]
    where = {"block": "enrich-order.set-priority", "code": "OCTO-E202"}
    assert {"flow": "enrich-order", **where} in errors


FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: slow
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: python, call: "slow:sleep"}}]
"""


@pytest.fixture
def slow(tmp_path, port):
    """A flow that waits for a second."""
    (tmp_path / "slow.py").write_text(
        "import asyncio\n\n\nasync def sleep():\n    await asyncio.sleep(1)\n    return 1\n"
    )
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    return str(tmp_path / "flow.yaml")


async def test_while_it_drains_it_is_alive_not_ready_and_finishes_its_work(octo, admin, slow, port, http):
    process = octo("run", slow, admin.flag)
    assert admin("/readyz") == (200, "ready\n")
    async with asyncio.TaskGroup() as tasks:
        call = tasks.create_task(asyncio.to_thread(http, f"http://127.0.0.1:{port}/"))
        await asyncio.to_thread(until, lambda: admin("/status")[1]["flows"][0]["in_flight"])

        process.process.send_signal(signal.SIGTERM)

        await asyncio.to_thread(until, lambda: admin("/readyz")[0] == 503)
        assert admin("/readyz") == (503, "draining\n")
        assert admin("/healthz") == (200, "ok\n")
    assert call.result() == (200, 1)
    assert process.ended() == 0


def test_a_refused_edit_keeps_it_ready_and_is_told(octo, admin, slow, save):
    octo("run", slow, admin.flag, "--watch")
    before = Path(slow).read_text()

    save(Path(slow), before.replace("process:", "proces:"))
    refused = until(lambda: admin("/status")[1]["refused"])

    assert admin("/readyz") == (200, "ready\n")
    assert refused["problems"][0]["file"] == slow
    assert refused["problems"][0]["line"] == 6
    save(Path(slow), before.replace("name: slow", "name: slower"))
    until(lambda: admin("/status")[1]["generation"]["number"] == 2)
    assert admin("/status")[1]["refused"] is None


def test_it_answers_while_it_waits_for_its_first_right_configuration(octo, admin, slow, save):
    before = Path(slow).read_text()
    Path(slow).write_text("flows: 1")
    process = octo("run", slow, admin.flag, "--watch", ready=False)
    process.wait_for("operations port")

    until(lambda: admin("/status")[1]["refused"])
    assert admin("/healthz")[0] == 200
    assert admin("/readyz") == (503, "starting: the configuration was refused, waiting for an edit\n")

    save(Path(slow), before)
    until(lambda: admin("/readyz")[0] == 200)


def test_several_processes_answer_as_one_and_counters_never_fall(octo, admin, slow, port, http):
    process = octo("run", slow, admin.flag, "--processes", "2")
    until(lambda: admin("/readyz")[0] == 200)

    def completed():
        return next(
            sample.value
            for sample in samples(admin("/metrics")[1])
            if sample.name == "octo_flow_messages_total" and sample.labels["outcome"] == "completed"
        )

    for number in range(1, 4):
        assert http(f"http://127.0.0.1:{port}/")[0] == 200
        assert completed() == number
    victim = admin("/status")[1]["processes"][0]["pid"]
    os.kill(victim, signal.SIGKILL)
    seen = [completed()]

    def replaced():
        seen.append(completed())
        status = admin("/status")[1]
        return status["ready"] and status["processes"][0]["pid"] != victim

    until(replaced)
    assert seen == sorted(seen)
    assert completed() == 3
    assert [each["process"] for each in admin("/status")[1]["processes"]] == [0, 1]
    assert admin("/log-level", {"level": "debug"}, "PUT") == (200, {"level": "debug"})
    assert process.stop() == 0


def test_a_name_bent_to_loopback_and_pages_of_browsers_get_nothing(octo, admin, slow):
    octo("run", slow, admin.flag)

    assert admin("/status", Host="evil.example")[0] == 403
    assert admin("/log-level", {"level": "debug"}, "PUT", Origin="https://evil.example")[0] == 403
    assert admin("/log-level")[1] == {"level": "info"}


def test_beyond_loopback_changes_need_the_token(octo, admin, slow, tmp_path):
    (tmp_path / "token").write_text("0123456789abcdef\n")
    octo("run", slow, f"--admin-addr=:{admin.port}", "--admin-token-file", str(tmp_path / "token"))

    assert admin("/readyz", Host="octo.example")[0] == 200
    assert admin("/log-level", {"level": "debug"}, "PUT")[0] == 403
    assert admin("/log-level", {"level": "debug"}, "PUT", Authorization="Bearer 0123456789abcdef")[0] == 200
