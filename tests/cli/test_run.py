"""octo run: exit codes, the banner, and what is said when it cannot start."""

from __future__ import annotations

import subprocess
import sys

import pytest

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: hello
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: set-payload, value: '"hi"'}}]
"""


@pytest.fixture
def flow(tmp_path, port):
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW.format(port=port))
    return str(path)


def test_it_serves_until_told_to_stop(octo, flow, port, http):
    process = octo("run", "--config", flow)

    assert http(f"http://127.0.0.1:{port}/") == (200, "hi")
    assert process.stop() == 0


def test_a_leading_option_means_run_and_the_path_needs_no_option(octo, flow, port, http):
    octo("-c", flow).stop()
    octo("run", flow)

    assert http(f"http://127.0.0.1:{port}/") == (200, "hi")


def test_a_bad_configuration_is_2(command, tmp_path):
    (tmp_path / "flow.yaml").write_text("flows: [{name: f, proces: []}]")

    code, out, err = command("run", "--config", "flow.yaml")

    assert (code, out) == (2, "")
    assert "flow.yaml:1:19" in err
    assert "process" in err
    assert "Traceback" not in err


def test_a_port_in_use_is_1_and_says_what_to_do(octo, command, flow, port):
    octo("run", "--config", flow)

    code, _, err = command("run", "--config", flow)

    assert code == 1
    assert str(port) in err
    assert "Traceback" not in err


def test_the_banner_is_on_stdout_and_the_log_on_stderr(flow):
    process = subprocess.Popen(
        [sys.executable, "-m", "octo", "run", flow], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert "╭" in process.stdout.readline()
        assert "Octo" in process.stdout.readline()
    finally:
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert "runtime ready" in err
    assert process.returncode == 0


@pytest.mark.parametrize("arguments", [["run"], ["run", "a", "--config", "b"], ["run", "--processes", "0", "a"]])
def test_bad_usage_is_2(command, arguments):
    assert command(*arguments)[0] == 2
