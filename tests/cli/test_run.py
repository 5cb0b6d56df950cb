"""octo run: exit codes, the banner, and the message when it cannot start."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def test_it_serves_until_told_to_stop(octo, flow, port, http):
    process = octo("run", "--config", flow)

    assert http(f"http://127.0.0.1:{port}/") == (200, "hi")
    assert process.stop() == 0


def test_a_leading_option_means_run_and_the_path_needs_no_option(octo, flow, port, http):
    octo("-c", flow).stop()
    octo("run", flow)

    assert http(f"http://127.0.0.1:{port}/") == (200, "hi")


@pytest.mark.parametrize("closed", ["", ">&-", "<&- >&-"])
def test_nobody_at_its_standard_output_does_not_stop_it(flow, port, http, closed):
    """It serves and ends as usual, whether standard output is a pipe without a reader or is not open at all."""
    nobody, output = os.pipe()
    os.close(nobody)
    command = f'exec "{sys.executable}" -m octo run --admin-addr=off "{flow}" {closed}'
    with subprocess.Popen(["sh", "-c", command], stdout=output, stderr=subprocess.PIPE, text=True) as process:
        os.close(output)
        try:
            assert any("runtime ready" in line for line in process.stderr)
            assert http(f"http://127.0.0.1:{port}/") == (200, "hi")
        finally:
            process.terminate()
        _, log = process.communicate(timeout=60)

    assert process.returncode == 0, log
    assert "Error" not in log


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


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "-", "a"],
        ["run", "-", "--watch"],
        ["run", "--processes", "0", "a"],
        ["run", "--debug", "--processes", "2", "a"],
    ],
)
def test_bad_usage_is_2(command, arguments):
    assert command(*arguments)[0] == 2


def test_the_port_of_the_command_line_wins(octo, tmp_path, flow, free_port, http):
    other = free_port()
    octo("run", flow, "--port", str(other), "--admin-addr", "off")

    assert http(f"http://127.0.0.1:{other}/") == (200, "hi")


def test_a_configuration_from_standard_input(flow):
    run = [sys.executable, "-m", "octo", "run", "-", "--admin-addr", "off"]
    with Path(flow).open("rb") as text:
        process = subprocess.Popen(run, stdin=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert "╭" in process.stdout.readline()
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_folder_of_configurations_of_their_own_is_explained(command, tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("flows: [{name: f, process: []}]")

    code, _, err = command("run", str(tmp_path), "--admin-addr", "off")

    assert code == 2
    assert err.splitlines()[-1] == (
        f"A folder is one configuration; here a.yaml, b.yaml were put together. For one: octo run {tmp_path / 'a.yaml'}"
    )


@pytest.mark.parametrize(
    ("options", "is_told"),
    [(["--watch"], True), (["--watch", "--quiet"], False), (["--processes", "2"], False), ([], False)],
)
def test_a_line_for_each_request_is_for_development(octo, flow, port, http, options, is_told):
    process = octo("run", flow, "--admin-addr", "off", *options)
    http(f"http://127.0.0.1:{port}/?token=secret")

    if is_told:
        process.wait_for('msg="GET /" status=200 ms=.* flow=hello')
    process.stop()
    assert ("GET /" in process.log) is is_told
    assert "secret" not in process.log


def test_on_a_terminal_the_banner_says_where_and_what_is_off(flow, port):
    shown = on_a_terminal(["run", flow, "--admin-addr", "off"], "Ctrl-C stops.")

    assert f"  hello  any  http://127.0.0.1:{port}/" in shown
    assert "  traces  off  --traces " in shown


def on_a_terminal(arguments: list[str], until: str) -> str:
    """What the command shows on a terminal until it shows this text; then it is interrupted."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-m", "octo", *arguments], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while until.encode() not in shown:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    os.close(ours)
    return shown.decode().replace("\r", "")


def test_names_are_looked_up_many_at_once(octo, tmp_path, port):
    """A few names whose server does not answer must not keep every connector from connecting."""
    pytest.importorskip("uvloop")
    connector = f"{{name: web, type: http, settings: {{host: localhost, port: {port}}}}}"
    (tmp_path / "flow.yaml").write_text(f"connectors: [{connector}]\nflows: [{{name: f, process: []}}]\n")
    process = octo("run", str(tmp_path / "flow.yaml"), "--admin-addr=off").process

    assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) >= 64


# --- the operations port -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["--admin-addr", "--observability-addr"])
def test_the_operations_port_is_where_it_was_asked_for(octo, flow, http, admin_port, flag):
    octo("run", flow, flag, f"127.0.0.1:{admin_port}", OCTO_OBSERVABILITY_ADDR="127.0.0.1:1")

    assert http(f"http://127.0.0.1:{admin_port}/readyz") == (200, "ready\n")


def test_the_environment_names_the_operations_port_and_blocks_to_measure(octo, flow, http, port, admin_port):
    octo("run", flow, OCTO_OBSERVABILITY_ADDR=f"127.0.0.1:{admin_port}", OCTO_METRICS_BLOCKS="hello.set-payload, x")
    http(f"http://127.0.0.1:{port}/")

    metrics = http(f"http://127.0.0.1:{admin_port}/metrics")[1]

    assert (
        'octo_block_messages_total{flow="hello",outcome="completed",path="hello.set-payload",type="set-payload"} 1.0'
        in metrics
    )


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--admin-addr", "off"], {}),
        (["--observability=false"], {}),
        ([], {"OCTO_OBSERVABILITY": "no"}),
        ([], {"OCTO_OBSERVABILITY_ADDR": "off"}),
    ],
)
def test_the_operations_port_can_be_switched_off(octo, flow, arguments, environment):
    process = octo("run", flow, *arguments, **environment)

    assert process.stop() == 0
    assert "operations port" not in process.log


def test_switches_of_older_command_lines_are_taken(octo, flow, http, admin_port):
    octo("--config", flow, "--observability=true", "--metrics", f"--observability-addr=127.0.0.1:{admin_port}")

    assert http(f"http://127.0.0.1:{admin_port}/metrics")[0] == 200


def test_a_switch_that_is_neither_yes_nor_no_is_warned_about(octo, flow, admin_port):
    process = octo("run", flow, OCTO_OBSERVABILITY="maybe", OCTO_OBSERVABILITY_ADDR=f"127.0.0.1:{admin_port}")

    assert "variable=OCTO_OBSERVABILITY" in process.log
    assert f"address=127.0.0.1:{admin_port}" in process.log


@pytest.mark.parametrize("processes", ["1", "2"])
def test_an_operations_port_that_was_asked_for_and_is_taken_is_1(command, flow, processes):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        code, _, err = command("run", flow, "--admin-addr", address, "--processes", processes)

    assert code == 1
    assert f"the operations port cannot listen at {address}: address already in use by process {os.getpid()} (" in err
    assert "--admin-addr off" in err
    assert "Traceback" not in err


def test_without_the_default_operations_port_the_run_goes_on(flow, port, http):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        # The test replaces the default port: another program on this machine may use the real one.
        default = f"127.0.0.1:{taken.getsockname()[1]}"
        code = f"from octo.operations import address; address.DEFAULT = {default!r}; from octo.cli import main; main()"
        with subprocess.Popen([sys.executable, "-c", code, "run", flow], stderr=subprocess.PIPE, text=True) as process:
            try:
                log = list(itertools.takewhile(lambda line: "runtime ready" not in line, process.stderr))
                assert http(f"http://127.0.0.1:{port}/") == (200, "hi")
            finally:
                process.terminate()
                process.communicate(timeout=60)

    [line] = [line for line in log if "running without an operations port" in line]
    assert default in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--admin-addr", "9000"], "HOST:PORT"),
        (["--admin-token-file", "nowhere"], "No such file"),
    ],
)
def test_a_wrong_word_about_the_operations_port_is_2(command, flow, arguments, says):
    code, _, err = command("run", flow, *arguments)

    assert code == 2
    assert says in err


@pytest.mark.parametrize(
    "option",
    [
        *([f"--{name}", value] for name in ("drain", "hung-after", "stop-delay") for value in ("nan", "-1", "soon")),
        ["--log-level", "verbose"],
    ],
)
def test_an_option_that_makes_no_sense_is_refused(cli, tmp_path, option):
    """With `--drain nan` every stop was one that took too long, and an unknown level was info."""
    result = cli("run", str(tmp_path / "none.yaml"), *option)

    assert result.exit_code == 2
    assert f"Invalid value for '{option[0]}'" in result.stderr


def test_the_banner_of_no_flows_does_not_say_ready(tmp_path):
    """`/readyz` answers 503 then, unless `--allow-empty` is given."""
    path = tmp_path / "flow.yaml"
    path.write_text("# later")
    command = [sys.executable, "-m", "octo", "run", str(path), "--admin-addr", "off"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        banner = [process.stdout.readline() for _ in range(4)]
        process.terminate()

    assert banner[2].strip("│ \n") == "0 flows, 0 connectors"
