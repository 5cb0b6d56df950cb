"""Requests go to what runs here, and to nothing else."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from octo.cli.authoring import codes
from octo.cli.authoring.refusal import Refused
from octo.cli.editing import sending
from octo.cli.editing.sending import send


class Echo(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        told = json.dumps({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}})
        data = body if self.path == "/raw" else told.encode()
        self.send_response(201)
        self.send_header("set-cookie", "a=1")
        self.send_header("set-cookie", "b=2")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_request_and_its_reply(url):
    """Each header as it came, and the id of the trace that the flow will make of it."""
    reply = send(f"{url}/orders/42?full=1", [f"{url}/orders/{{id}}"], "POST", {"X-Tenant": "acme"}, "é", 60)

    told = json.loads(reply.text)
    assert reply.status == 201
    assert [each for each in reply.headers if each[0] == "set-cookie"] == [("set-cookie", "a=1"), ("set-cookie", "b=2")]
    assert told["path"] == "/orders/42?full=1"
    assert told["headers"]["x-tenant"] == "acme"
    assert told["headers"]["traceparent"].split("-")[1] == reply.trace


def test_the_senders_own_trace_stays(url):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

    assert send(f"{url}/", [url], "POST", {"Traceparent": parent}, "", 60).trace == parent.split("-")[1]


def test_bytes_that_are_no_text(url, monkeypatch):
    monkeypatch.setattr(sending, "MOST_BODY", 4)
    reply = send(f"{url}/raw", [url], "POST", {}, "ab", 60)
    cut = send(f"{url}/raw", [url], "POST", {}, "abcdef", 60)

    assert (reply.text, reply.data, reply.isWhole) == ("ab", None, True)
    assert (cut.text, cut.isWhole) == ("abcd", False)
    assert sending._text(b"\xff") is None


@pytest.mark.parametrize(
    "asked",
    [
        "http://127.0.0.1:1/",
        "http://example.com/",
        "https://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}@example.com/",
        "http://localhost:{port}/",
        "//127.0.0.1:{port}/",
        "/orders",
        "file:///etc/passwd",
    ],
)
def test_no_other_server_is_asked(url, asked):
    """Not under another name either: only what the run itself says it listens at."""
    with pytest.raises(Refused) as caught:
        send(asked.format(port=url.rpartition(":")[2]), [f"{url}/orders"], "GET", {}, "", 60)

    assert caught.value.code == codes.MISSING


@pytest.mark.parametrize(("method", "headers"), [("GET", {"a\r\nb": "c"}), ("GET", {"a": "b\r\nc: d"}), ("G\nT", {})])
def test_what_is_no_request(url, method, headers):
    with pytest.raises(Refused) as caught:
        send(f"{url}/", [url], method, headers, "", 60)

    assert caught.value.code == codes.ARGUMENT


def test_a_server_that_does_not_answer(port):
    with pytest.raises(Refused) as caught:
        send(f"http://127.0.0.1:{port}/", [f"http://127.0.0.1:{port}"], "GET", {}, "", 60)

    assert caught.value.code == codes.LATE
