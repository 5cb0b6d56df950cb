"""Each signal does what docs/cli.md says, also while a function blocks the event loop."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: hello
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: set-payload, value: '"hi"'}}]
  - name: blocks
    source: {{type: cron, settings: {{schedule: "@every 10ms"}}}}
    process: [{{type: filter, expr: "{blocks}"}}, {{type: python, call: "blocking:blocks"}}]
"""
BLOCKING = """
import sys, time
async def blocks():
    print("blocking", file=sys.stderr, flush=True)
    while True: time.sleep(60)
"""


@pytest.fixture(autouse=True)
def heeded():
    """Children heed all signals, also where the tests run behind `nohup` or a `&`, which let some be ignored."""
    before = {each: signal.signal(each, signal.SIG_DFL) for each in (signal.SIGHUP, signal.SIGQUIT)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.fixture
def flow(tmp_path, port):
    (tmp_path / "blocking.py").write_text(BLOCKING)

    def write(blocks=False):
        path = tmp_path / "flow.yaml"
        path.write_text(FLOW.format(port=port, blocks=str(blocks).lower()))
        return str(path)

    return write


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_first_signal_ends_it_cleanly(octo, flow, processes, how):
    process = octo("run", flow(), "--processes", processes, "--admin-addr=off")
    process.wait_for("runtime ready", int(processes))

    assert process.stop(how) == 0
    assert "stopping" in process.log


def test_the_second_signal_ends_it_also_while_a_function_blocks(octo, flow):
    process = octo("run", flow(blocks=True), "--admin-addr=off")
    process.wait_for("blocking")

    process.process.send_signal(signal.SIGTERM)  # another than the second: the system may merge two equal ones
    assert process.stop(signal.SIGINT) == 1


@pytest.mark.parametrize("blocks", [False, True])
def test_a_quit_shows_what_every_thread_does_and_ends_it(octo, flow, blocks):
    process = octo("run", flow(blocks), "--admin-addr=off")
    if blocks:
        process.wait_for("blocking")

    assert process.stop(signal.SIGQUIT) == -signal.SIGQUIT
    assert "Current thread" in process.log
    assert not blocks or "blocking.py" in process.log


def test_with_nohup_it_outlives_its_terminal(flow, port, http):
    command = f'trap "" HUP; exec "{sys.executable}" -m octo run --admin-addr=off "{flow()}"'
    with subprocess.Popen(["sh", "-c", command], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert any("runtime ready" in line for line in process.stderr)
            process.send_signal(signal.SIGHUP)
            assert http(f"http://127.0.0.1:{port}/") == (200, "hi")
        finally:
            process.terminate()
            process.communicate(timeout=60)

    assert process.returncode == 0


def test_with_a_delay_it_is_not_ready_at_once_but_serves(octo, flow, port, free_port, http):
    """The delay is longer than the test: the second signal ends it."""
    admin = free_port()
    process = octo("run", flow(), f"--admin-addr=127.0.0.1:{admin}", "--stop-delay=600")

    process.process.send_signal(signal.SIGTERM)
    process.wait_for("not ready from now on")

    assert http(f"http://127.0.0.1:{admin}/readyz") == (503, "draining\n")
    assert http(f"http://127.0.0.1:{port}/") == (200, "hi")
    assert process.stop() == 1


def test_the_environment_may_set_the_delay(octo, flow):
    process = octo("run", flow(), "--admin-addr=off", OCTO_STOP_DELAY="0.01")

    assert process.stop() == 0
    assert "seconds=0.01" in process.log
