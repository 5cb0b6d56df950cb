"""Node-RED beside Octo: the same requests, the same answers, the same CPU."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench import peers
from bench.cases import Case, gate, named
from bench.figures import spread, there_and_back
from bench.load import Result, closed
from bench.machine import free_port
from bench.process import Process, backend, octo, running
from bench.section import Effort, Section, Table

NAMES = ("006-json .map()", "005-proxy")
COMPARED = tuple(named(name) for name in NAMES)
CONNECTIONS = 64

RESHAPE = """
const accounts = msg.payload.records.map(a => ({
  accountId: a.id, name: a.name, active: a.status === "ACTIVE",
  location: {region: a.region, country: a.country},
  balance: {amount: a.amount, currency: a.currency, withTax: a.amount * 1.21},
  tier: a.amount > 5000 ? "gold" : (a.amount > 1000 ? "silver" : "bronze")}));
msg.payload = {accounts, meta: {count: accounts.length, correlationId: RED.util.generateId()}};
return msg;
"""
SETTINGS = """module.exports = {
  uiHost: "127.0.0.1", httpAdminRoot: false, httpStatic: null, disableEditor: true, flowFile: "flows.json",
  apiMaxLength: "8mb", telemetry: {enabled: false}, logging: {console: {level: "warn", metrics: false, audit: false}}
};
"""


def measure(effort: Effort) -> Section:
    text = (
        "Node-RED does what 006 (8 records, in a function node) and 005 (`http request`, persistent connections) do, "
        f"headless and without its editor. {CONNECTIONS} connections, closed model. Octo runs 005 with its defaults."
    )
    try:
        start = peers.node_red()
    except peers.Missing as reason:
        return Section("A peer: Node-RED", text, notes=[f"Not measured: {reason}."])
    results = _measured(start, effort)
    rows = []
    for case in COMPARED:
        ours, theirs = results["Octo", case.name], results["Node-RED", case.name]
        for name, series in (("Octo", ours), ("Node-RED", theirs)):
            cpu, rates = [each.cpu_ms for each in series], [each.rate for each in series]
            rows.append([case.name, name, spread(cpu, 3), spread(rates, 0), sum(each.failed for each in series)])
        ratio = median(each.cpu_ms for each in theirs) / median(each.cpu_ms for each in ours)
        rows.append([case.name, "Node-RED / Octo", round(ratio, 2), "", ""])
    version = json.loads((start.parent / "package.json").read_text())["version"]
    columns = ["flow", "platform", "CPU-ms per request", "requests/s", "not 200"]
    return Section("A peer: Node-RED", text, [Table(columns, rows)], notes=[f"Node-RED {version}."])


def _measured(start: Path, effort: Effort) -> dict[tuple[str, str], list[Result]]:
    with ExitStack() as stack:
        slow = stack.enter_context(running(backend()))
        url = f"http://127.0.0.1:{slow.port}"
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        peer = stack.enter_context(running(_node_red(start, folder, url)))
        proxy = folder / "proxy.yaml"
        proxy.write_text(_defaults())
        servers = {
            ("Octo", NAMES[0]): stack.enter_context(running(octo(COMPARED[0].config))),
            ("Octo", NAMES[1]): stack.enter_context(running(octo(proxy, BACKEND_URL=url))),
            **{("Node-RED", name): peer for name in NAMES},
        }
        results: dict[tuple[str, str], list[Result]] = {}
        for case in COMPARED:
            for who in there_and_back(["Octo", "Node-RED"]) * effort.rounds:
                results.setdefault((who, case.name), []).append(_once(servers[who, case.name], case, effort))
        return results


def _once(process: Process, case: Case, effort: Effort) -> Result:
    gate(process, case)
    return closed(process, case.request, CONNECTIONS, max(2.0, effort.seconds), 1.5)


def _defaults() -> str:
    from bench.machine import FLOWS
    from bench.measures.proxy import KNOBS, PROXY

    return KNOBS.sub("", (FLOWS / PROXY.config).read_text())


def _node_red(start: Path, folder: Path, url: str) -> Process:
    (folder / "settings.js").write_text(SETTINGS)
    (folder / "flows.json").write_text(json.dumps(_nodes(url)))
    port = free_port()
    command = ["node", str(start), "--userDir", str(folder), "--settings", str(folder / "settings.js"), "--port"]
    return Process([*command, str(port), "flows.json"], port, NODE_ENV="production")


def _nodes(url: str) -> list[dict[str, object]]:
    """Two flows: HTTP in, work, HTTP out."""
    at = {"z": "tab", "x": 0, "y": 0}
    return [
        {"id": "tab", "type": "tab", "label": "bench"},
        {"id": "in6", "type": "http in", "url": "/transform", "method": "post", "wires": [["f6"]], **at},
        {"id": "f6", "type": "function", "func": RESHAPE, "outputs": 1, "wires": [["out"]], **at},
        {"id": "in5", "type": "http in", "url": "/proxy/:id", "method": "get", "wires": [["r5"]], **at},
        {
            "id": "r5",
            "type": "http request",
            "method": "GET",
            "ret": "obj",
            "persist": True,
            "wires": [["out"]],
            "url": f"{url}/payload?size=1024&delay=70ms",
            **at,
        },
        {"id": "out", "type": "http response", "wires": [], **at},
    ]
