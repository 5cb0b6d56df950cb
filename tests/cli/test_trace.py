"""octo trace shows messages of a running Octo as they come in; nothing is paused, and nothing is left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: orders
    source: {{connector: web, type: http, settings: {{path: /orders, methods: [POST]}}}}
    process:
      - {{type: set-payload, name: total, value: '{{"total": body.amount * 2}}'}}
  - {{name: idle, process: []}}
"""


class Tap:
    """A running `octo trace`."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "octo", "trace", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self):
        """Wait until it ends. Return (exit code, stdout, stderr)."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def serving(octo, port, free, tmp_path):
    """Start an Octo. It is ended by a signal after the test, so that its processes end too."""
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    started = []

    def start(*arguments):
        started.append(octo("run", "flow.yaml", f"--admin-addr=127.0.0.1:{free}", *arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.stop()


@pytest.fixture
def free(free_port):
    """Another free port."""
    return free_port()


@pytest.fixture
def order(http, port):
    """Send an order of this amount."""

    def send(amount):
        assert http(f"http://127.0.0.1:{port}/orders", {"amount": amount})[0] == 200

    return send


@pytest.fixture
def tap(free):
    """Start `octo trace`. If it still runs after the test, it is killed."""
    taps = []

    def start(*arguments):
        taps.append(Tap(*arguments, f"--admin-addr=127.0.0.1:{free}"))
        return taps[-1]

    yield start
    for each in taps:
        each.process.kill()
        each.process.communicate()


def feed(tap, order, *amounts):
    """Send orders until the tap has seen enough."""
    end = time.monotonic() + 60
    while tap.process.poll() is None:
        assert time.monotonic() < end
        for amount in amounts:
            order(amount)
        time.sleep(0.02)


def test_it_shows_the_next_message_with_what_every_block_made_of_it(serving, tap, order):
    serving()
    looking = tap("orders")
    feed(looking, order, 1)

    code, out, err = looking.ended()
    assert (code, err) == (0, "")
    head, *blocks = out.splitlines()
    assert head.startswith("orders  ")
    assert any(line.startswith("  orders.total  set-payload  ") for line in blocks)
    assert '      body = {"total": 2}' in blocks


def test_only_what_the_condition_holds_for_is_taken_and_only_so_many(serving, tap, order):
    serving()
    looking = tap("orders", "--when", "body.amount > 10", "--take", "3", "--json")
    feed(looking, order, 5, 20)

    code, out, _ = looking.ended()
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [each["path"] for each in records] == ["orders", "orders.total"] * 3
    assert [each["input"]["body"] for each in records[::2]] == [{"amount": 20}] * 3


def test_several_processes_are_looked_at_as_one(serving, tap, order):
    serving("--processes", "2").wait_for("runtime ready", 2)
    looking = tap("orders", "--take", "2", "--json")
    feed(looking, order, 1)

    code, out, _ = looking.ended()
    assert code == 0
    assert len({json.loads(line)["event"] for line in out.splitlines() if '"event"' in line}) == 2


@pytest.mark.parametrize("processes", ["1", "2"])
def test_what_is_wrong_is_said_by_exit_code_2(serving, tap, processes):
    serving("--processes", processes)

    assert tap("order").ended() == (2, "", "there is no flow 'order'; /flows lists them\n")
    for when, said in {
        "body.": "expected a field name after '.'",
        "boddy.n > 1": "undeclared name 'boddy'; it may use body, vars, eventID, correlationID",
        "'text'": "must be a condition, but this is always of kind string",
    }.items():
        code, out, err = tap("orders", "--when", when).ended()
        assert (code, out) == (2, "")
        assert err.startswith("OCTO-S106: `when`")
        assert said in err


def test_that_nobody_answers_is_exit_code_1(command, free):
    code, out, err = command("trace", "orders", "--admin-addr", f"127.0.0.1:{free}")

    assert (code, out) == (1, "")
    assert err.startswith(f"no answer from 127.0.0.1:{free}: connection refused\nIs `octo run` running?")


def test_something_else_there_is_said_so(serving, command, port):
    serving().wait_for("runtime ready")

    code, out, err = command("trace", "orders", "--admin-addr", f"127.0.0.1:{port}")

    assert (code, out) == (1, "")
    assert err.startswith(f"127.0.0.1:{port} answers 404, but is not an operations port\nIs `octo run` running?")


def test_a_refused_token_is_exit_code_1(serving, tap, monkeypatch):
    monkeypatch.setenv("OCTO_ADMIN_TOKEN", "sixteen-letters-0")
    serving().wait_for("runtime ready")

    code, out, err = tap("orders", "--admin-token", "sixteen-letters-1").ended()

    assert (code, out) == (1, "")
    assert err.startswith("this needs the header `Authorization: Bearer TOKEN`")


def test_an_address_that_is_none_is_said(cli):
    result = cli("trace", "orders", "--admin-addr", "nowhere")

    assert result.exit_code == 2
    assert "'nowhere' is not an address" in result.stderr


@pytest.mark.parametrize("processes", ["1", "2"])
def test_ctrl_c_ends_it_and_leaves_no_watching_behind(serving, tap, http, free, processes):
    process = serving("--processes", processes)
    process.wait_for("runtime ready", int(processes))
    looking = tap("idle")
    process.wait_for('a tap on the flow is open"', int(processes))

    looking.process.send_signal(signal.SIGINT)

    assert looking.ended() == (0, "", "")
    process.wait_for("the tap on the flow is closed", int(processes))


@pytest.mark.parametrize("processes", ["1", "2"])
def test_one_whose_flow_a_reload_removes_ends_with_a_word(serving, tap, tmp_path, port, free, processes):
    process = serving("--watch", "--processes", processes)
    process.wait_for("runtime ready", int(processes))
    looking = tap("idle")
    process.wait_for('a tap on the flow is open"', int(processes))

    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port).replace("idle", "other"))

    said = f"127.0.0.1:{free} ended after 0 of 1: a reload removed the flow 'idle'\n"
    assert looking.ended() == (1, "", said)


def test_one_that_sees_too_little_before_octo_ends_says_so(serving, tap, free):
    process = serving()
    looking = tap("idle")
    process.wait_for('a tap on the flow is open"')

    assert process.stop() == 0
    assert "level=ERROR" not in process.log

    code, out, err = looking.ended()
    assert (code, out) == (1, "")
    assert err == f"127.0.0.1:{free} ended after 0 of 1: Octo stopped, or an hour passed\n"
