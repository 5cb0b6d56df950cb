"""`octo doctor` prints a line per check, and exits with 1 if one failed."""

from __future__ import annotations

import json
import socket

import pytest

FLOW = """
env: [{{name: PASSWORD}}]
connectors:
  - {{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}
  - {{name: db, type: database, settings: {{driver: postgres, dsn: "postgres://ada:hunter2@db/x", password: "${{PASSWORD}}"}}}}
flows: [{{name: f, source: {{connector: web, type: http, settings: {{path: /}}}}, process: []}}]
"""  # noqa: E501


@pytest.fixture
def folder(tmp_path, monkeypatch, port, free_port):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCTO_OBSERVABILITY_ADDR", f"127.0.0.1:{free_port()}")
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    (tmp_path / ".env").write_text("PASSWORD=correct-horse\n")
    return tmp_path


def test_it_tells_of_the_flows_of_this_folder(cli, folder, port):
    result = cli("doctor")

    assert result.exit_code == 0, result.stdout
    for subject in ("python", "packages", "flows", f"port {port}", "driver postgres", "spool folder", "trace folder"):
        assert f"\nok    {subject} " in f"\n{result.stdout}"
    assert "; fix: chmod 600 .env" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("0 failures")


def test_no_secret_is_printed(cli, folder):
    out = cli("doctor").output + cli("doctor", "--format", "json").output

    assert "hunter2" not in out
    assert "correct-horse" not in out


def test_a_failure_is_1_in_both_formats(cli, folder, port):
    with socket.create_server(("127.0.0.1", port)):
        assert cli("doctor", "flow.yaml").exit_code == 1
        result = cli("doctor", "--format", "json")

    told = json.loads(result.stdout)
    assert (result.exit_code, told["ok"]) == (1, False)
    (failed,) = (each for each in told["checks"] if each["level"] == "fail")
    assert failed["subject"] == f"port {port}"
    assert failed["fix"].startswith("octo run --port ")


def test_flows_that_are_wrong_fail_and_the_rest_is_told(cli, folder):
    (folder / "flow.yaml").write_text("flows: [{name: f, proces: []}]")

    result = cli("doctor")

    assert result.exit_code == 1
    assert "1 problem in .: ports and drivers were not looked at; fix: octo check ." in result.stdout
    assert "spool folder" in result.stdout


def test_files_that_do_not_belong_together_are_named_one_by_one(cli, folder, port):
    (folder / "other.yaml").write_text(FLOW.format(port=port))

    result = cli("doctor")

    assert result.exit_code == 1
    assert "the files of . are no single configuration; fix: octo doctor flow.yaml\n" in result.stdout


def test_without_flows_it_tells_of_the_machine(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = cli("doctor")

    assert result.exit_code == 0
    assert "none in this folder" in result.stdout


def test_flows_that_are_not_there_fail(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert cli("doctor", "none.yaml").exit_code == 1
