"""Traces reach a collector as spans that OpenTelemetry's own library understands."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from octo.core import secrets
from octo.core.errors import OctoError, Transient
from octo.trace.encode import Encoded, Summary
from octo.trace.otlp import Otlp, at, request

TRACE, SPAN, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "b7ad6b7169203331"

RECORDS = [
    {
        "kind": "flow", "trace": TRACE, "span": SPAN, "parent": CALLER, "flow": "orders", "path": "orders",
        "generation": 2, "event": "e1", "at": 1_700_000_000_000_000_001, "duration": 2_000, "outcome": "completed",
        "input": {"body": {"card": "4711"}},
    },
    {
        "kind": "block", "trace": TRACE, "span": "a" * 16, "parent": SPAN, "flow": "orders", "path": "orders.charge",
        "type": "rest", "connector": "bank", "at": 1_700_000_000_000_000_101, "duration": 1_000, "outcome": "failed",
        "error": {"message": "declined", "code": "OCTO-R1", "at": "f.yaml:3:5"}, "from": SPAN,
        "effects": [{"kind": "http", "at": 1_700_000_000_000_000_301, "method": "POST", "url": "http://bank/pay",
                     "status": 402, "seconds": 0.5}],
    },
    {"kind": "dropped", "at": 1, "count": 3},
]  # fmt: skip


def encoded(records=RECORDS):
    data = b"\n".join(json.dumps(each).encode() for each in records) + b"\n"
    return Encoded(Summary("orders", "e1", TRACE, "", 1, 1, "completed"), (), data)


class Collector(ThreadingHTTPServer):
    """A collector that reads requests with OpenTelemetry's schema, which refuses unknown fields."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taking)
        self.spans, self.requests, self.status, self.answer = [], [], 200, b"{}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        self.server.requests.append((self.path, dict(self.headers)))
        parsed = Parse(data, ExportTraceServiceRequest())
        for resource in parsed.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_):
        """Log nothing."""


@pytest.fixture
def collector():
    with Collector() as server:
        yield server
        server.shutdown()


def attributes(span):
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def test_every_span_arrives_with_its_place_in_the_trace(collector):
    Otlp(collector.url).write([encoded()])

    flow, block = collector.spans
    # Protobuf reads bytes in JSON as base64, and OTLP writes them in hexadecimal; so the test compares the text sent.
    assert len({flow.trace_id, block.trace_id}) == 1
    assert (flow.name, block.name) == ("orders", "orders.charge")
    assert block.parent_span_id == flow.span_id
    assert (flow.kind, block.kind) == (2, 3)
    assert (flow.start_time_unix_nano, flow.end_time_unix_nano) == (
        1_700_000_000_000_000_001,
        1_700_000_000_000_002_001,
    )


def test_ids_are_hexadecimal():
    [resource] = request(RECORDS, {})["resourceSpans"]
    flow, block = resource["scopeSpans"][0]["spans"]

    assert (flow["traceId"], flow["spanId"], flow["parentSpanId"]) == (TRACE, SPAN, CALLER)
    assert block["parentSpanId"] == SPAN


def test_an_error_and_what_was_called_are_told_in_the_words_of_the_conventions(collector):
    Otlp(collector.url).write([encoded()])

    block = collector.spans[1]
    assert (block.status.code, block.status.message) == (2, "declined")
    facts = attributes(block)
    assert (facts["error.type"], facts["http.request.method"], facts["http.response.status_code"]) == (
        "OCTO-R1",
        "POST",
        402,
    )
    assert block.events[0].name == "http"


def test_bodies_and_variables_stay_at_home(collector):
    Otlp(collector.url).write([encoded()])

    assert "4711" not in str(collector.spans)


def test_large_requests_are_compressed(collector):
    Otlp(collector.url).write([encoded()] * 100)

    assert collector.requests[0][1]["Content-Encoding"] == "gzip"
    assert len(collector.spans) == 200


@pytest.mark.parametrize("status", [302, 400, 429, 503])
def test_a_collector_that_does_not_take_them_is_an_error_that_passes(collector, status):
    collector.status = status

    with pytest.raises(Transient, match=f"answered {status}"):
        Otlp(collector.url, headers={"Authorization": "Bearer abcdef"}).write([encoded()])


def test_a_collector_that_is_gone_is_an_error_that_passes(collector):
    collector.shutdown()
    collector.server_close()

    with pytest.raises(Transient, match="cannot be reached"):
        Otlp(collector.url).write([encoded()])


@pytest.mark.parametrize(("spans", "traces"), [(1, 1), (3, 2)])
def test_what_a_collector_refused_in_part_is_logged_and_answered(collector, caplog, spans, traces):
    collector.answer = b'{"partialSuccess": {"rejectedSpans": "%d", "errorMessage": "too old"}}' % spans

    assert Otlp(collector.url).write([encoded(), encoded()]) == traces
    assert "the collector refused spans" in caplog.text


def test_whatever_a_server_writes_is_an_error_that_passes():
    """In one line, and not in full: the log is for people."""
    for answer in (
        b"SSH-2.0" + b"x" * 60_000 + b"\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=_answer, args=(server, answer), daemon=True).start()
            with pytest.raises(Transient, match="cannot be reached") as caught:
                Otlp(f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces").write([encoded()])

        assert len(str(caught.value)) < 300
        assert "\n" not in str(caught.value)


def _answer(server, answer):
    there, _ = server.accept()
    with there:
        there.recv(65536)
        there.sendall(answer)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X-Key": "s3cret\n"}, "the header X-Key for the collector is not one line of Latin-1"),
        ({"X-Key": "s3cret\u20ac"}, "the header X-Key for the collector is not one line of Latin-1"),
        ({"X Key": "s3cret"}, "'X Key' is not the name of a header"),
    ],
)
def test_headers_that_cannot_be_sent_are_said_at_once(headers, why):
    """Not with every trace, and without the value, which may be a key."""
    with pytest.raises(OctoError, match=why) as caught:
        Otlp("http://127.0.0.1:4318/v1/traces", headers=headers)

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"ok",
        b"[]",
        b'{"partialSuccess": {"rejectedSpans": "some"}}',
        b'{"partialSuccess": {"rejectedSpans": 1e999}}',
    ],
)
def test_what_a_collector_says_in_other_words_refuses_nothing(collector, answer):
    collector.answer = answer

    assert Otlp(collector.url).write([encoded()]) == 0


def test_the_environment_says_with_which_headers(collector):
    sink = at(
        collector.url,
        {
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abcdef,x-tenant=a",
            "OTEL_SERVICE_NAME": "shop",
        },
    )
    sink.write([encoded()])

    path, headers = collector.requests[0]
    assert path == "/v1/traces"
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == "Bearer abcdef"
    assert secrets.masked("Bearer abcdef") == "«secret»"


def test_a_user_in_the_address_is_sent_as_it_should_be(collector):
    Otlp(collector.url.replace("://", "://octo:pass%20word@")).write([encoded()])

    [(_, headers)] = collector.requests
    assert headers["Authorization"] == "Basic b2N0bzpwYXNzIHdvcmQ="
    assert secrets.masked("pass%20word, Basic b2N0bzpwYXNzIHdvcmQ=") == "«secret», «secret»"


def test_keys_in_the_query_are_sent_and_not_said(collector):
    sink = Otlp(f"{collector.url}?api-key=very%20secret&opaque-key")
    sink.write([encoded()])

    assert collector.requests[0][0] == "/v1/traces?api-key=very%20secret&opaque-key"
    assert sink.place == collector.url
    assert secrets.masked("very%20secret, very secret, opaque-key") == "«secret», «secret», «secret»"


@pytest.mark.parametrize("endpoint", ["ftp://octo:hunter22@collector", "collector:4318/?key=hunter22"])
def test_credentials_are_not_said_of_what_is_no_address(endpoint):
    with pytest.raises(OctoError) as error:
        at(endpoint, {})

    assert "hunter22" not in str(error.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "collector:4318",
        "ftp://x",
        "http://",
        "http://[",
        "http://x:port",
        "http://x:0",
        "http://x/\u00e4",
        "http://" + "x" * 64,
    ],
)
def test_what_is_no_address_is_said_at_once(endpoint):
    with pytest.raises(OctoError, match="is not the address of a collector"):
        at(endpoint, {})


@pytest.mark.parametrize("value", [True, 1, 2**70, 1.5, "x", [1], {"a": None}])
def test_values_of_every_kind_can_be_sent(collector, value):
    effect = {"kind": "http", "at": 1, "what": value}
    Otlp(collector.url).write([encoded([{**RECORDS[0], "effects": [effect]}])])

    assert collector.spans[0].events[0].attributes[0].key == "octo.what"
