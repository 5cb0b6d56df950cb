"""Traces of real processes: one trace covers several systems, tracing never harms a flow, and no secret is kept."""

from __future__ import annotations

import base64
import gzip
import json
import resource
import secrets
import signal
import string
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def until(condition):
    """The value of the condition once it is true."""
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


class Server(ThreadingHTTPServer):
    """Answers every request with the result of a function of its path, headers and body."""

    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Asked)
        self.answer = answer
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Asked(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer = self.server.answer(self.path, self.headers, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815  the library's name

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    """Start a server. All servers are stopped after the test."""
    running = []

    def start(answer):
        running.append(Server(answer))
        return running[-1]

    yield start
    for each in running:
        each.shutdown()
        each.server_close()


@pytest.fixture
def collector(server):
    """A collector. `spans` are the spans that arrived, parsed with OpenTelemetry's own schema."""

    def take(path, headers, body):
        data = gzip.decompress(body) if headers["Content-Encoding"] == "gzip" else body
        found.spans += [
            span
            for resource_ in Parse(data, ExportTraceServiceRequest()).resource_spans
            for scope in resource_.scope_spans
            for span in scope.spans
        ]
        return (200, b"{}") if path == "/v1/traces" else (404, b"")

    found = server(take)
    found.spans = []
    return found


def hexadecimal(id_):
    """The id as it was sent: protobuf decodes bytes in JSON as base64, but OTLP writes ids in hexadecimal."""
    return base64.b64encode(id_).decode()


# --- one trace across systems ------------------------------------------------------------------------------------

FRONT = """
connectors:
  - {{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}
  - {{name: back, type: http-client, settings: {{baseURL: "http://127.0.0.1:{back}"}}}}
flows:
  - name: front
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: rest, name: ask, connector: back, path: /}}]
"""
BACK = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: back
    source: {{connector: web, type: http, settings: {{path: /, headers: [traceparent, tracestate]}}}}
    process: [{{type: set-payload, name: tell, value: 'vars.traceparent + " " + vars.tracestate'}}]
"""


@pytest.fixture
def both(octo, tmp_path, port, free_port):
    """Start two processes, of which the front one calls the other. Return the address of the front one."""

    def start(*arguments):
        back = free_port()
        (tmp_path / "front.yaml").write_text(FRONT.format(port=port, back=back))
        (tmp_path / "back.yaml").write_text(BACK.format(port=back))
        for each in ("back.yaml", "front.yaml"):
            octo("run", each, "--admin-addr=off", *arguments)
        return f"http://127.0.0.1:{port}/"

    return start


def test_a_trace_goes_on_from_the_caller_through_both_processes_to_the_collector(both, collector, http):
    url = both("--otlp", f"http://127.0.0.1:{collector.server_port}")

    assert http(url, headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})[0] == 200

    until(lambda: len(collector.spans) >= 4)
    spans = {span.name: span for span in collector.spans}
    assert set(spans) == {"front", "front.ask", "back", "back.tell"}
    assert {hexadecimal(span.trace_id) for span in spans.values()} == {TRACE}
    assert hexadecimal(spans["front"].parent_span_id) == CALLER
    assert spans["front.ask"].parent_span_id == spans["front"].span_id
    assert spans["back"].parent_span_id == spans["front.ask"].span_id
    assert spans["back.tell"].parent_span_id == spans["back"].span_id


def test_without_a_caller_s_trace_both_are_in_one_of_their_own(both, collector, http):
    url = both("--otlp", f"http://127.0.0.1:{collector.server_port}")

    assert http(url)[0] == 200

    until(lambda: len(collector.spans) >= 4)
    spans = {span.name: span for span in collector.spans}
    assert len({span.trace_id for span in spans.values()}) == 1
    assert spans["front"].parent_span_id == b""
    assert spans["back"].parent_span_id == spans["front.ask"].span_id


def test_a_caller_s_trace_is_handed_on_by_who_keeps_none(both, http):
    traceparent = f"00-{TRACE}-{CALLER}-01"

    url = both()

    assert http(url, headers={"traceparent": traceparent}) == (200, f"{traceparent} ")
    assert http(url, headers={"traceparent": traceparent, "tracestate": "a=1"}) == (200, f"{traceparent} a=1")


# --- when traces cannot go anywhere ------------------------------------------------------------------------------

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: f
    source: {{connector: web, type: http, settings: {{path: /, methods: [POST]}}}}
    process: [{{type: set-payload, value: '{{"n": body.size()}}'}}]
"""
COLLECTOR = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        print("taken", flush=True)

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
print(server.server_port, flush=True)
server.serve_forever()
"""
LOST = "traces cannot be written and are lost"


@pytest.fixture
def flow(tmp_path, port):
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    return "flow.yaml"


@pytest.fixture
def load(http, port):
    """Send so many messages, several at a time. Return their statuses."""

    def send(count):
        with ThreadPoolExecutor(8) as pool:
            return set(pool.map(lambda _: http(f"http://127.0.0.1:{port}/", ["x" * 1000])[0], range(count)))

    return send


def dropped(http, admin):
    _, text = http(f"http://127.0.0.1:{admin}/metrics")
    [line] = [line for line in text.splitlines() if line.startswith("octo_traces_dropped_total")]
    return float(line.split()[1])


def test_a_collector_that_is_killed_costs_traces_and_nothing_else(octo, flow, load, http, free_port):
    receiver = subprocess.Popen([sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True)
    try:
        admin, collecting = free_port(), receiver.stdout.readline().strip()
        process = octo("run", flow, f"--admin-addr=127.0.0.1:{admin}", "--otlp", f"http://127.0.0.1:{collecting}")
        assert load(200) == {200}
        assert receiver.stdout.readline() == "taken\n"
        before = process.rss()

        with ThreadPoolExecutor(1) as pool:
            under_way = pool.submit(load, 3000)
            receiver.send_signal(signal.SIGKILL)
            assert under_way.result() == {200}
    finally:
        receiver.kill()
        receiver.communicate()

    process.wait_for(LOST)
    assert until(lambda: dropped(http, admin)) > 0
    assert process.rss() - before < 64 * 1024 * 1024
    assert process.stop() == 0
    assert sum(LOST in line for line in process.lines) == 1


@pytest.mark.parametrize("store", ["sqlite:traces.db", "file:traces.jsonl"])
def test_a_full_disk_costs_traces_and_nothing_else(octo, flow, load, http, store, free_port):
    admin = free_port()
    process = octo("run", flow, f"--admin-addr=127.0.0.1:{admin}", "--traces", "--traces-store", store)
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (4096, 4096))  # no file may grow beyond this

    assert load(300) == {200}

    process.wait_for(LOST)
    assert load(100) == {200}
    assert until(lambda: dropped(http, admin)) > 0
    assert process.stop() == 0
    assert sum(LOST in line for line in process.lines) == 1


# --- secrets -----------------------------------------------------------------------------------------------------

SECRETIVE = """
service: {{name: secretive}}
env:
  - {{name: OCTO_CANARY, secret: true}}
connectors:
  - {{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}
  - name: bank
    type: http-client
    settings:
      baseURL: "http://127.0.0.1:{bank}"
      headers: {{Authorization: "Bearer ${{OCTO_CANARY}}"}}
      retry: {{maxAttempts: 1}}
flows:
  - name: use
    source: {{connector: web, type: http, settings: {{path: /use}}}}
    process:
      - {{type: set-variable, name: var, settings: {{name: key, value: env.OCTO_CANARY}}}}
      - {{type: set-payload, name: body, value: '{{"key": env.OCTO_CANARY, "in": ["<" + env.OCTO_CANARY + ">"]}}'}}
      - {{type: log, name: all, message: '"key " + env.OCTO_CANARY', full: true}}
      - {{type: rest, name: ask, connector: bank, method: POST, path: /echo, body: body}}
      - {{type: set-payload, name: done, value: '"done"'}}
  - name: misuse
    source: {{connector: web, type: http, settings: {{path: /misuse}}}}
    process:
      - {{type: set-payload, name: number, value: int(env.OCTO_CANARY)}}
  - name: refused
    source: {{connector: web, type: http, settings: {{path: /refused}}}}
    process:
      - {{type: rest, name: ask, connector: bank, method: POST, path: /fail, body: '{{"key": env.OCTO_CANARY}}'}}
  - name: say
    process:
      - {{type: set-payload, name: tell, value: '{{"key": env.OCTO_CANARY}}'}}
"""
CASES = {
    "flow": "say",
    "cases": [
        {"name": "differs", "input": {"data": 1}, "expect": {"body": {"key": "other"}}},
        {"name": "fails", "input": {"data": 1}, "expect": {"that": ["body.key == 'x'"]}},
    ],
}
DATABASE = """
env: [{name: OCTO_CANARY, secret: true}]
connectors:
  - name: shop
    type: database
    settings: {driver: postgres, dsn: "postgres://octo:${OCTO_CANARY}@127.0.0.1:1/shop"}
flows:
  - {name: read, process: [{type: sql, settings: {connector: shop, query: SELECT 1}}]}
"""


class Canary:
    """A secret whose halves survive every encoding, and everything that could have revealed it."""

    def __init__(self, folder):
        self.halves = ["".join(secrets.choice(string.ascii_letters) for _ in range(12)) for _ in range(2)]
        # Longer than values that are shown whole: no part of it may be shown either.
        self.value = '"+&<'.join(self.halves) + " it's \\" + "x" * 100
        self.environment = {"OCTO_CANARY": self.value, "TMPDIR": str(folder), "COLUMNS": "1000"}
        self._folder = folder
        self._said = {}

    def hear(self, where, *texts):
        """Remember this output, and where it came from."""
        self._said[where] = "\n".join(map(str, texts)).encode()

    def found(self):
        """The places where the secret, or half of it, can be seen."""
        files = {str(path): path.read_bytes() for path in self._folder.rglob("*") if path.is_file()}
        halves = [each.encode() for each in self.halves]
        return [where for where, data in {**files, **self._said}.items() if any(each in data for each in halves)]


@pytest.fixture
def canary(tmp_path):
    return Canary(tmp_path)


@pytest.fixture
def secretive(server, tmp_path, port):
    """A configuration that uses its secret everywhere, with a bank that repeats everything it receives."""

    def answer(path, headers, body):
        told = {"sent": body.decode(), "with": headers["Authorization"]}
        return (500 if path == "/fail" else 200), json.dumps(told).encode()

    bank = server(answer).server_port
    (tmp_path / "flow.yaml").write_text(SECRETIVE.format(port=port, bank=bank))
    return "flow.yaml"


@pytest.mark.parametrize(("store", "form"), [("sqlite:traces.db", "json"), ("file:traces.jsonl", "text")])
def test_a_secret_is_in_nothing_that_a_run_says_or_keeps(
    octo, command, canary, secretive, http, port, *, store, form, free_port
):
    admin = free_port()
    arguments = ("run", secretive, f"--admin-addr=127.0.0.1:{admin}", "--traces", "--traces-store", store)
    process = octo(*arguments, "--log-format", form, "--log-level", "debug", **canary.environment)
    for path, status in {"use": 200, "misuse": 500, "refused": 500}.items():
        answer = http(f"http://127.0.0.1:{port}/{path}")
        assert answer[0] == status
        canary.hear(f"answer of {path}", answer)
    traces = until(lambda: len(found := http(f"http://127.0.0.1:{admin}/traces")[1]) == 3 and found)
    events = [each["event"] for each in traces]
    for page in ("metrics", "status", "flows", "traces", *(f"traces/{each}" for each in events)):
        status, text = http(f"http://127.0.0.1:{admin}/{page}")
        assert status == 200
        canary.hear(page, text)
    for event in events:
        shown = command("traces", event, "--full", "--traces-store", store, **canary.environment)
        assert shown[0] == 0
        canary.hear(f"octo traces {event}", *shown)
        replayed = command("replay", event, secretive, "--traces-store", store, **canary.environment)
        canary.hear(f"octo replay {event}", *replayed)
        made = command("test", "--from-trace", event, secretive, "--traces-store", store, **canary.environment)
        canary.hear(f"octo test --from-trace {event}", *made)
    assert process.stop() == 0
    canary.hear("log", process.log)

    assert canary.found() == []
    assert "«secret»" in process.log


def test_a_secret_is_in_nothing_that_octo_test_says_or_writes(command, canary, secretive, tmp_path):
    (tmp_path / "flow_test.yaml").write_text(json.dumps(CASES))
    reports = ("--junit", "junit.xml", "--report-json", "report.json", "--traces-dir", "cases", "--cover-html", "page")
    ways = {"cases": reports, "verbose": ("-v",), "generate": ("--generate", "--examples", "5"), "chaos": ("--chaos",)}
    for name, arguments in ways.items():
        code, out, err = command("test", secretive, *arguments, **canary.environment)
        assert code == 1, err
        canary.hear(name, out, err)

    assert canary.found() == []


def test_a_secret_is_in_no_error_of_a_call(command, canary, secretive, tmp_path):
    (tmp_path / "database.yaml").write_text(DATABASE)
    calls = {"misuse": secretive, "refused": secretive, "read": "database.yaml"}
    for flow, config in calls.items():
        for more in ((), ("--envelope",)):
            code, out, err = command("invoke", "--config", config, "--flow", flow, *more, **canary.environment)
            assert code in (0, 1, 2), err
            canary.hear(f"{flow} {more}", out, err)
    canary.hear("run", *command("run", "database.yaml", "--admin-addr=off", **canary.environment))
    canary.hear("check", *command("check", "database.yaml", **canary.environment))

    assert canary.found() == []
