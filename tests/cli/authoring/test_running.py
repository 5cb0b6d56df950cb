"""Requests to what runs: only there, and never for longer than asked."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from octo.cli.authoring import codes
from octo.cli.authoring.refusal import Refused
from octo.cli.authoring.running import MOST_BODY, _sent


class Answers(BaseHTTPRequestHandler):
    """`/json`, `/large`, a `/stream` without an end, and `/nothing`."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer("application/json", sent or b"null")

    def do_GET(self) -> None:
        if self.path == "/large":
            self._answer("text/plain", b"x" * (MOST_BODY + 10))
        elif self.path == "/stream":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"data: 1\n\n")
            self.wfile.flush()
            self.server.is_over.wait()
        else:
            self.close_connection = True

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.is_over = threading.Event()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.is_over.set()
        server.shutdown()
        thread.join()


def test_json_is_sent_and_read(port):
    answer = _sent(port, "POST", "/json", {}, {"net": 1}, 60)

    assert (answer["status"], answer["body"]) == (200, {"net": 1})


def test_a_text_is_sent_as_it_is(port):
    assert _sent(port, "POST", "/json", {"Content-Type": "text/plain"}, "7", 60)["body"] == 7


def test_a_large_body_is_cut(port):
    answer = _sent(port, "GET", "/large", {}, None, 60)

    assert (len(answer["body"]), answer["cut"]) == (MOST_BODY, True)


def test_a_stream_is_left_when_the_time_is_over(port):
    """With what came until then."""
    answer = _sent(port, "GET", "/stream", {}, None, 0.2)

    assert (answer["body"], answer["cut"]) == ("data: 1\n\n", True)


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/nothing", {}, codes.LATE),
        ("/a b", {}, codes.ARGUMENT),
        ("/a\r\nX: y", {}, codes.ARGUMENT),
        ("/", {"X": "a\r\nY: b"}, codes.ARGUMENT),
        ("/", {"X": "\u20ac"}, codes.ARGUMENT),
    ],
)
def test_what_is_no_request(port, path, headers, code):
    with pytest.raises(Refused) as caught:
        _sent(port, "GET", path, headers, None, 60)

    assert caught.value.code == code
