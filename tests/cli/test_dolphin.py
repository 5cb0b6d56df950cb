"""dolphin: the test runner under its own name."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner, Result

from octo.cli.dolphin import dolphin, meant


def run(*arguments: str) -> Result:
    return CliRunner().invoke(dolphin, meant(list(arguments)), prog_name="dolphin")


@pytest.mark.parametrize("arguments", [["f.yaml"], ["test", "f.yaml"], ["--parallel", "1", "f.yaml"], []])
def test_what_is_no_verb_means_test(arguments, tmp_path, monkeypatch):
    (tmp_path / "f.yaml").write_text("flows: [{name: f, process: []}]")
    (tmp_path / "f_test.yaml").write_text("{flow: f, cases: [{name: a}]}")
    monkeypatch.chdir(tmp_path)

    result = run(*arguments)

    assert result.exit_code == 0, result.output
    assert "1 passed" in result.stdout


def test_schema_as_json_and_as_yaml(tmp_path):
    printed = json.loads(run("schema").stdout)
    run("schema", "--format", "yaml", "--out", str(tmp_path / "schema.yaml"))

    assert printed["title"] == "Octo test file"
    assert yaml.safe_load((tmp_path / "schema.yaml").read_text()) == printed


def test_version_and_help():
    assert run("version").stdout.startswith("octo ")
    assert "test files" in run("--help").stdout
    assert run("--version").stdout == run("version").stdout
    assert run("help").stdout == run("--help").stdout
    assert run("help", "schema").stdout == run("schema", "--help").stdout
