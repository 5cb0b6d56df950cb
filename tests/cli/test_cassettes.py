"""octo test --record and --drift: a real server is recorded, replayed when it is gone, and compared with."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

FLOW = """
env: [{name: URL, default: "http://127.0.0.1:1"}]
connectors: [{name: api, type: http-client, settings: {baseURL: "${URL}"}}]
flows: [{name: f, process: [{type: rest, settings: {connector: api, path: /greeting}}]}]
"""
TESTS = "{flow: f, stubs: {api: {cassette: api.yaml}}, cases: [{name: greets, expect: {that: [body != null]}}]}\n"


class Greeter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = self.server.greeting.encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Greeter)
    server.greeting, server.status = "good morning", 200
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("URL", f"http://127.0.0.1:{server.server_address[1]}")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "f.yaml").write_text(FLOW)
    (tmp_path / "f_test.yaml").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_record_replay_and_drift(cli, folder, server, monkeypatch):
    recorded = cli("test", "f.yaml", "--record")
    again = cli("test", "f.yaml", "--record")
    same = cli("test", "f.yaml", "--drift")
    server.greeting = "good evening"
    other = cli("test", "f.yaml", "--drift")
    monkeypatch.delenv("URL")
    replayed = cli("test", "f.yaml")

    assert [each.exit_code for each in (recorded, again, same, other, replayed)] == [0, 0, 0, 1, 0]
    assert recorded.stdout.endswith("recorded 1 exchange in api.yaml\n")
    assert "recorded" not in again.stdout
    assert same.stdout.endswith("\nsame  api.yaml  1 exchange, as recorded\n")
    assert other.stdout.endswith(
        "\nDRIFT api.yaml  1 of 1 exchange\n"
        "  exchange 1, GET /greeting\n"
        '      text: was "good morning", is "good evening"\n'
    )
    assert "good morning" in (folder / "api.yaml").read_text()


def test_a_refusal_is_recorded_with_a_word(cli, folder, server):
    server.status = 403

    result = cli("test", "f.yaml", "--record")

    assert result.exit_code == 1
    assert "GET /greeting: status 403; if that is not what the test wants, remove it" in result.stdout


def test_flows_run_outside_of_tests_with_a_cassette(cli, folder, server, monkeypatch):
    cli("test", "f.yaml", "--record")
    monkeypatch.delenv("URL")

    result = cli("invoke", "f.yaml", "--flow", "f", "--stubs", "f_test.yaml")

    assert '"rawData":"good morning"' in result.stdout


def test_a_cassette_that_cannot_be_written_is_exit_code_2(cli, folder, server):
    (folder / "f_test.yaml").write_text(TESTS.replace("api.yaml", "f.yaml/api.yaml"))

    result = cli("test", "f.yaml", "--record")

    assert result.exit_code == 2


def test_nothing_to_compare_is_said(cli, folder):
    (folder / "f_test.yaml").write_text("{flow: f, stubs: {api: {answers: [{body: 1}]}}, cases: [{name: a}]}")

    result = cli("test", "f.yaml", "--drift")

    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        0,
        "no case has a cassette, so there is nothing to compare",
    )


@pytest.mark.parametrize("option", ["--drift", "--watch", "--generate", "--chaos"])
def test_what_would_call_again_and_again_is_refused(cli, folder, option):
    result = cli("test", "--record", option)

    assert (result.exit_code, f"--record cannot be used with {option}" in result.stderr) == (2, True)


def test_a_call_that_happens_twice_gets_its_reply_twice(cli, folder, server, monkeypatch):
    """Faults and generated messages make calls that nobody recorded so often."""
    cli("test", "f.yaml", "--record")
    monkeypatch.delenv("URL")

    result = cli("test", "f.yaml", "--chaos")

    assert "happens twice  unharmed" in result.stdout
