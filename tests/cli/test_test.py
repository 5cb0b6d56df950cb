"""octo test: cases of test files against the flows beside them, with exit codes and reports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

FLOW = "flows: [{name: f, process: [{type: set-payload, value: body + 1}]}]\n"
GOOD = (
    "{flow: f, cases: [{name: adds one, input: {data: 1}, expect: {body: 2}}, {name: adds to two, input: {data: 2}}]}\n"
)
BAD = "{flow: f, cases: [{name: adds one, input: {data: 1}, expect: {body: 3}}, {name: second, input: {data: 1}}]}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "f.yaml").write_text(FLOW)
    (tmp_path / "f_test.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_folder_one_stands_in_is_tested(cli, folder):
    result = cli("test")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("ok   f_test.yaml  (f)  ")
    assert "2 passed, 0 failed, 0 errored, 0 skipped" in result.stdout


def test_a_failed_case_is_exit_code_1_with_a_command_that_reproduces_it(cli, folder):
    (folder / "f_test.yaml").write_text(BAD)

    result = cli("test", "f.yaml")

    assert result.exit_code == 1
    assert "--- FAIL: adds one" in result.stdout
    assert "expect.body: want 3, got 2" in result.stdout
    shown = next(line for line in result.stdout.splitlines() if "reproduce: " in line)
    again = cli(*shown.split("reproduce: octo ")[1].split())
    assert (again.exit_code, json.loads(again.stdout)["result"]["body"]) == (0, 2)


def test_a_wrong_test_file_is_exit_code_2_and_nothing_runs(cli, folder):
    (folder / "g_test.yaml").write_text("{flow: g, cases: [{name: a}]}")

    result = cli("test")

    assert result.exit_code == 2
    assert "g_test.yaml:1:8: OCTO-T106: no flow is named `g`" in result.stderr
    assert "did you mean `f`?" in result.stderr
    assert result.stdout == ""


def test_a_folder_with_a_file_of_another_program_says_what_to_test(cli, folder):
    (folder / "compose.yaml").write_text("services: {}\n")

    result = cli("test")

    assert result.exit_code == 2
    assert "here compose.yaml, f.yaml were put together. For one: octo test f.yaml\n" in result.stderr


def test_cases_are_chosen_by_k(cli, folder):
    result = cli("test", "-k", "adds and not two", "-v")

    assert "PASS: adds one" in result.stdout
    assert "two" not in result.stdout


def test_k_that_fits_nothing_or_means_nothing_is_refused(cli, folder):
    assert cli("test", "-k", "nothing").exit_code == 2
    assert "missing at the end" in cli("test", "-k", "a and").stderr


def test_list_runs_nothing(cli, folder):
    (folder / "f_test.yaml").write_text(BAD)

    result = cli("test", "--list")

    assert (result.exit_code, result.stdout) == (0, "f_test.yaml::adds one\nf_test.yaml::second\n")


def test_fail_fast_leaves_the_rest(cli, folder):
    (folder / "f_test.yaml").write_text(BAD)

    result = cli("test", "--fail-fast", "--parallel", "1")

    assert result.exit_code == 1
    assert "--- NOT RUN: second" in result.stdout


def test_reports_are_written(cli, folder):
    (folder / "f_test.yaml").write_text(BAD)

    cli("test", "--junit", "j.xml", "--report-json", "r.json", "--traces-dir", "traces")

    assert ET.parse(folder / "j.xml").getroot().get("failures") == "1"
    assert json.loads((folder / "r.json").read_text())["totals"]["failed"] == 1
    assert len(list((folder / "traces" / "f_test").iterdir())) == 2


def test_reports_tell_why_nothing_ran(cli, folder):
    (folder / "f_test.yaml").write_text("{flow: f, cases: []}")

    assert cli("test", "--junit", "j.xml", "--report-json", "r.json").exit_code == 2

    assert ET.parse(folder / "j.xml").getroot()[0].get("errors") == "1"
    assert json.loads((folder / "r.json").read_text())["problems"][0]["code"] == "OCTO-T101"


def test_a_report_that_cannot_be_written_is_said(cli, folder):
    result = cli("test", "--junit", "no/such/folder/j.xml")

    assert result.exit_code == 2
    assert "cannot write no/such/folder/j.xml: No such file or directory" in result.stderr


def test_reports_are_written_also_when_no_case_is_chosen(cli, folder):
    assert cli("test", "-k", "zzz", "--junit", "j.xml", "--report-json", "r.json").exit_code == 2

    assert ET.parse(folder / "j.xml").getroot().get("errors") == "1"
    assert json.loads((folder / "r.json").read_text())["problems"][0]["message"] == "no case fits -k"


@pytest.mark.parametrize("place", ["/proc/zz", "file", "there"])
def test_traces_that_could_not_be_written_are_refused_before_anything_runs(cli, folder, place):
    (folder / "file").write_text("")
    (folder / "there").mkdir()
    (folder / "there/f_test").write_text("")

    result = cli("test", "--traces-dir", place)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "--traces-dir" in result.stderr


@pytest.mark.parametrize("option", ["--examples=5", "--seed=0", "--out=x.yaml", "--traces-store=memory:"])
def test_an_option_that_would_do_nothing_is_refused(cli, folder, option):
    result = cli("test", option)

    assert result.exit_code == 2
    assert f"{option.partition('=')[0]} does nothing without --" in result.stderr


def test_an_env_file_lies_over_the_shell_and_below_the_case(cli, folder, monkeypatch):
    (folder / "f.yaml").write_text(
        "env: [{name: A}, {name: B}, {name: C}]\n"
        "flows: [{name: f, process: [{type: set-payload, value: env.A + env.B + env.C}]}]"
    )
    (folder / "f_test.yaml").write_text("{flow: f, env: {C: case}, cases: [{name: a, expect: {body: shellfilecase}}]}")
    (folder / "ci.env").write_text("B=file\nC=file\n")
    for name in "ABC":
        monkeypatch.setenv(name, "shell")

    assert cli("test", "--env-file", "ci.env").exit_code == 0


def test_an_env_file_must_be_there(cli, folder):
    result = cli("test", "--env-file", "gone.env")

    assert result.exit_code == 2
    assert "there is no file 'gone.env'" in result.stderr


def test_logs_are_silent_unless_asked(cli, folder):
    (folder / "f.yaml").write_text("flows: [{name: f, process: [{type: log, message: '\"here\"'}]}]")

    assert "here" not in cli("test").output
    assert "here" in cli("test", "-v").stderr


def test_functions_beside_a_flow_are_its_own(cli, folder):
    """Modules of the same name in two folders are not mixed up."""
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "octo_example_own.py").write_text(f"def answer():\n    return {name!r}\n")
        (folder / name / "f.yaml").write_text(
            "flows: [{name: f, process: [{type: python, call: 'octo_example_own:answer'}]}]"
        )
        (folder / name / "f_test.yaml").write_text(f"{{flow: f, cases: [{{name: a, expect: {{body: {name}}}}}]}}")

    result = cli("test", "one", "two")

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals_that_want_them(folder, variables, coloured):
    code, output = on_a_terminal(["test", "--cover"], folder, variables)

    assert code == 0
    assert (b"\x1b[32mok" in output) is coloured
    assert (b"\x1b[1mall flows" in output) is coloured


def test_problems_have_no_colours_where_nobody_wants_them(folder):
    (folder / "f_test.yaml").write_text("{flow: g, cases: [{name: a}]}")

    assert b"\x1b[" in on_a_terminal(["test"], folder, {})[1]
    assert b"\x1b[" not in on_a_terminal(["test"], folder, {"NO_COLOR": "1"})[1]


def on_a_terminal(arguments: list[str], folder: Path, variables: dict[str, str]) -> tuple[int, bytes]:
    """The exit code, and what was written to the terminal."""
    import pty

    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "octo", *arguments],
        cwd=folder,
        env={**environ, **variables},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    output = b""
    try:
        while piece := os.read(ours, 4096):
            output += piece
    except OSError:
        pass  # that is how a terminal ends
    os.close(ours)
    return process.wait(), output


def test_an_interruption_tells_what_was_not_run(folder):
    (folder / "f.yaml").write_text(
        "flows: [{name: f, source: {type: cron, settings: {schedule: '@every 1h'}}, process: []}]"
    )
    cases = "{name: a, calls: [{after: 1h}]}, {name: b}"
    (folder / "f_test.yaml").write_text(f"{{flow: f, cases: [{cases}]}}")
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "octo", "test", "-v", "--parallel", "1"],
        cwd=folder,
        env={**os.environ, "LOG_LEVEL": "debug"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not _is_waiting(process.pid):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "--- NOT RUN: a" in output
    assert "--- NOT RUN: b" in output


def test_an_interruption_of_a_watched_run_is_one_too(folder):
    (folder / "f.yaml").write_text(
        "flows: [{name: f, source: {type: cron, settings: {schedule: '@every 1h'}}, process: []}]"
    )
    (folder / "f_test.yaml").write_text("{flow: f, cases: [{name: a, calls: [{after: 1h}]}]}")
    process = subprocess.Popen([sys.executable, "-m", "octo", "test", "--watch"], cwd=folder, stdout=subprocess.PIPE)
    while not _is_waiting(process.pid):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode == 130


def _is_waiting(process: int) -> bool:
    """Whether the process runs a case: a thread beside its first one."""
    return len(list(Path(f"/proc/{process}/task").iterdir())) > 1


@pytest.fixture
def watching(folder):
    """Start `octo test --watch`. Return a function that waits for a line of its output, and one that ends it."""
    running = []

    def start(*paths: str):
        command = [sys.executable, "-u", "-m", "octo", "test", "--watch", *paths]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        running.append(process)

        def until(text: str) -> None:
            assert any(text in line for line in process.stdout), f"no {text!r}"

        def interrupt() -> int:
            process.send_signal(signal.SIGINT)
            return process.wait(60)

        return until, interrupt

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_watch_runs_again_when_a_file_changes(folder, watching, save):
    until, interrupt = watching()

    until("2 passed")
    until("waiting for a change")
    save(folder / "f.yaml", FLOW.replace("+ 1", "+ 2"))
    until("1 passed, 1 failed")
    until("waiting for a change")
    save(folder / "f_test.yaml", "{flow: f")
    until("waiting for a change")
    save(folder / "f_test.yaml", BAD)
    until("2 passed")
    until("waiting for a change")

    assert interrupt() == 0


def test_an_edit_that_is_saved_while_the_files_are_read_is_not_lost(folder, watching):
    """The module is imported when the flow is read: after the test file, and before anything runs."""
    edit = f"open('new', 'w').write({BAD!r}); os.rename('new', 'f_test.yaml')"
    (folder / "own.py").write_text(f"import os\n\n{edit}\n\n\ndef answer():\n    return 2\n")
    (folder / "f.yaml").write_text("flows: [{name: f, process: [{type: python, call: 'own:answer'}]}]")
    until, interrupt = watching("f_test.yaml")

    until("1 passed, 1 failed")
    until("waiting for a change")

    assert interrupt() == 1


def test_what_generate_needs_is_said_where_it_is_missing(cli, folder, monkeypatch):
    monkeypatch.setattr("octo.cli.test.find_spec", lambda _: None)

    result = cli("test", "--generate")

    assert result.exit_code == 2
    assert "--generate needs the package hypothesis: pip install 'octo-flows[test]'" in result.stderr


def test_watch_follows_the_modules_of_the_flows(folder, watching, save):
    (folder / "own.py").write_text("import number\n\n\ndef answer():\n    return number.N\n")
    (folder / "number.py").write_text("N = 1\n")
    (folder / "f.yaml").write_text("flows: [{name: f, process: [{type: python, call: 'own:answer'}]}]")
    (folder / "f_test.yaml").write_text("{flow: f, cases: [{name: one, expect: {body: 1}}]}")
    until, interrupt = watching()

    until("1 passed, 0 failed")
    until("waiting for a change")
    save(folder / "number.py", "N = 2\n")
    until("0 passed, 1 failed")
    until("waiting for a change")
    save(folder / "number.py", "N = (\n")
    until("waiting for a change")
    save(folder / "number.py", "N = 1\n")
    until("1 passed, 0 failed")

    assert interrupt() in (0, 130)
