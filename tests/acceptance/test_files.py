"""A process with few file numbers: half-open connections take none that the operations port needs."""

from __future__ import annotations

import contextlib
import resource
import socket
import subprocess
import sys
import urllib.request

import pytest

FLOW = """
env: [{name: PORT}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}"}}
flows:
  - name: hello
    source: {connector: web, type: http, settings: {path: /}}
    process: [{type: set-payload, value: '"hello"'}]
"""


@pytest.fixture
def limited(monkeypatch):
    """Processes that start from now on have these limits."""

    def limit(soft, hard):
        start = subprocess.Popen

        def limited(*arguments, **options):
            set_ = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))  # noqa: E731
            return start(*arguments, **options, preexec_fn=set_)

        monkeypatch.setattr(subprocess, "Popen", limited)

    return limit


def get(url):
    with urllib.request.urlopen(url, timeout=60) as response:
        return response.status


def test_half_open_connections_leave_file_numbers_for_the_operations_port(octo, port, free_port, tmp_path, limited):
    """200 of them with 64 numbers. The log says it once, and again when it is over."""
    (tmp_path / "flow.yaml").write_text(FLOW)
    admin = free_port()
    limited(64, 64)
    process = octo("run", str(tmp_path / "flow.yaml"), f"--admin-addr=127.0.0.1:{admin}", PORT=str(port))
    with contextlib.ExitStack() as clients:
        for _ in range(200):
            clients.enter_context(socket.create_connection(("127.0.0.1", port))).send(b"GET / HTT")
        process.wait_for("level=WARN .*file numbers run out.* limit=64")
        assert [get(f"http://127.0.0.1:{admin}/{path}") for path in ("healthz", "readyz", "metrics")] == [200] * 3

    process.wait_for("there are enough file numbers again")
    assert get(f"http://127.0.0.1:{port}/") == 200
    assert process.stop() == 0
    assert process.log.count("file numbers run out") == 1
    assert "Traceback" not in process.log


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_limit_of_open_files_is_raised_at_the_start(octo, tmp_path, limited):
    (tmp_path / "flow.yaml").write_text("flows: [{name: f, process: []}]")
    limited(64, 512)
    process = octo("run", str(tmp_path / "flow.yaml"), "--admin-addr=off")

    assert resource.prlimit(process.process.pid, resource.RLIMIT_NOFILE) == (512, 512)
    assert "raised the limit of open files" in process.log
