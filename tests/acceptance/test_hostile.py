"""Whatever a client sends, it gets a 4xx, memory stays bounded, and the server goes on."""

from __future__ import annotations

import socket

import pytest

FLOW = """
env: [{name: PORT}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}", readTimeout: 500ms}}
flows:
  - name: echo
    source: {connector: web, type: http, settings: {path: /echo}}
    process: []
"""
MEGABYTE = 1024 * 1024


@pytest.fixture
def served(octo, port, tmp_path, http):
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW)
    process = octo("run", "--config", str(path), PORT=str(port))
    http(f"http://127.0.0.1:{port}/echo", {"warm": "up"})
    process.before = process.rss()
    process.port = port
    yield process
    assert http(f"http://127.0.0.1:{port}/echo", {"still": "there"}) == (200, {"still": "there"})
    assert process.rss() - process.before < 48 * MEGABYTE
    assert process.stop() == 0


def exchange(port, *chunks):
    """Send raw bytes and return the status line. A refusal may come before all bytes are sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        try:
            for chunk in chunks:
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            return connection.recv(65536)
        except ConnectionResetError:
            return b""


def post(body):
    return b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe{}",
        b'{"a": "\xc3\x28"}',
        b'{"a": NaN}',
        b"Infinity",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"{",
        b'{"a": 1} trailing',
        b"'text'",
        b'"\\ud800"',
    ],
    ids=["bom", "utf8", "nan", "infinity", "deep-list", "deep-map", "cut", "trailing", "quotes", "surrogate"],
)
def test_a_body_that_is_no_json_is_400(served, body):
    answer = exchange(served.port, post(body))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Traceback" not in answer


def test_100_megabytes_announced_are_refused_unread(served):
    answer = exchange(served.port, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_100_megabytes_in_chunks_are_refused_on_the_way(served):
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b"x" * MEGABYTE + b"\r\n"

    answer = exchange(served.port, head, *[chunk] * 100, b"0\r\n\r\n")

    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")


def test_100_megabytes_sent_are_refused_on_the_way(served):
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n"

    answer = exchange(served.port, head, *[b"x" * MEGABYTE] * 100)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")


def test_a_header_bomb_is_refused(served):
    bomb = b"".join(b"X-%d: %b\r\n" % (n, b"y" * 1000) for n in range(2000))

    answer = exchange(served.port, b"GET /echo HTTP/1.1\r\nHost: x\r\n" + bomb + b"\r\n")

    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def test_slow_loris_clients_are_let_go(served, http):
    slow = [socket.create_connection(("127.0.0.1", served.port), timeout=60) for _ in range(200)]
    for connection in slow:
        connection.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\nX-Slow: ")

    assert http(f"http://127.0.0.1:{served.port}/echo", {"a": 1}) == (200, {"a": 1})
    for connection in slow:
        with connection:
            answer = connection.recv(1024)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def test_garbage_is_refused(served):
    answer = exchange(served.port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n")

    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    "path", ["/nowhere", "/echo/../../etc/passwd", "/%00", "/%ff%fe", "/echo?" + "a=b&" * 10_000, "/" + "x" * 20_000]
)
def test_odd_paths_are_answered(served, path):
    answer = exchange(served.port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200")) or answer == b""


LONG_TEXTS = """
env: [{name: PORT}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}", maxHeaderBytes: 65536}}
  - {name: db, type: database, settings: {driver: sqlite, dsn: ":memory:"}}
flows:
  - name: key
    source: {connector: web, type: http, settings: {path: /key, maxBodyBytes: 9000000, correlationIdHeader: X-Id}}
    process: [{type: set-payload, value: 'body.map[body.key]'}]
  - name: twice
    source: {connector: web, type: http, settings: {path: /twice, maxBodyBytes: 9000000}}
    process: [{type: set-payload, value: '{body.key: 1, string(body.key): 2}'}]
  - name: number
    source: {connector: web, type: http, settings: {path: /number, maxBodyBytes: 9000000}}
    process: [{type: set-payload, value: '[int(body.key), timestamp(body.key)]'}]
  - name: raises
    source: {connector: web, type: http, settings: {path: /raises, maxBodyBytes: 9000000}}
    process: [{type: python, call: "raising:no", with: {key: body.key}}]
  - name: queries
    source: {connector: web, type: http, settings: {path: /queries, maxBodyBytes: 9000000}}
    process: [{type: sql, connector: db, query: "select json(?)", args: [body.key]}]
"""


def test_long_texts_of_clients_do_not_become_long_lines(octo, port, tmp_path, http):
    """Keys, texts and headers of a megabyte in errors of expressions, functions and databases."""
    (tmp_path / "flow.yaml").write_text(LONG_TEXTS)
    (tmp_path / "raising.py").write_text("def no(key):\n    raise KeyError(key)\n")
    process = octo("run", "--config", str(tmp_path / "flow.yaml"), PORT=str(port))
    body = {"key": "k" * MEGABYTE, "map": {"q" * MEGABYTE: 1}}
    for path in ("key", "twice", "number", "raises", "queries"):
        status, _ = http(f"http://127.0.0.1:{port}/{path}", body, headers={"X-Id": "i" * 30_000})
        assert status == 500
        process.wait_for(f'msg="flow failed".* flow={path} ')

    assert max(map(len, process.lines)) < 35_000
    assert process.stop() == 0
