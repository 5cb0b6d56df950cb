"""The command as a whole: help, mistyped verbs, versions."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from octo.cli import VERBS, doubled, meant
from octo.cli.invoke import command as invoke
from octo.cli.run import command as run


def test_no_argument_prints_help(cli):
    result = cli()

    assert result.exit_code == 0
    for verb, does in VERBS.items():
        assert verb in result.stdout
        assert does in result.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(cli, verb):
    result = cli(verb, "--help")

    assert result.exit_code == 0
    assert f"Usage: octo {verb}" in result.stdout


def test_a_mistyped_verb_is_guessed(cli):
    result = cli("invok")

    assert result.exit_code == 2
    assert "Did you mean 'invoke'?" in result.stderr


def test_a_leading_option_means_run(cli):
    result = cli("--config", "nowhere.yaml")

    assert result.exit_code == 2
    assert "nowhere.yaml" in result.stderr


@pytest.mark.parametrize("spelling", ["version", "--version"])
def test_version(cli, spelling):
    assert re.fullmatch(r"octo \d+\.\d+\.\d+ \(built \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)\n", cli(spelling).stdout)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(cli, shell):
    assert "_OCTO_COMPLETE" in cli("completion", shell).stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize(
    "arguments",
    ["octo version", "octo --help", "octo schema", "octo eval 1", "dolphin schema"],
)
def test_what_cannot_be_written_is_one_line_and_exit_code_2(arguments, tmp_path):
    command, *rest = arguments.split()
    start = f"from octo.cli{'.dolphin' if command == 'dolphin' else ''} import main; main()"
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-c", start, *rest],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (result.returncode, result.stderr) == (2, "cannot write the output: No space left on device\n")


@pytest.mark.parametrize(
    ("command", "given", "meant"),
    [
        (run, "-config F -watch", "--config F --watch"),
        (run, "-config=F -watch", "--config=F --watch"),
        (invoke, "-config F -flow f -data -1", "--config F --flow f --data -1"),
        (invoke, "--config -flow -flow f", "--config -flow --flow f"),  # the value of an option stays as it is
        (invoke, "-c F -d -data", "-c F -d -data"),
        (invoke, "-confg F -- -config", "-confg F -- -config"),
    ],
)
def test_a_long_option_may_have_one_dash(command, given, meant):
    assert doubled(command, given.split()) == meant.split()


def test_one_dash_from_end_to_end(cli, tmp_path):
    flows = tmp_path / "f.yaml"
    flows.write_text("flows: [{name: f, process: []}]")

    result = cli("invoke", "-config", str(flows), "-flow", "f", "-data", '{"a": 1}')

    assert (result.exit_code, result.output) == (0, '{"a":1}\n')
    assert cli("-help").output == cli("--help").output


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("", "--help"),
        ("help", "--help"),
        ("-h", "--help"),
        ("help run", "run --help"),
        ("help help", "--help"),
        ("-V", "version"),
        ("-v", "version"),
        ("flow.yaml --watch", "run flow.yaml --watch"),
        ("- --port 1", "run - --port 1"),
        ("*.yml", "run *.yml"),
        ("check flow.yaml", "check flow.yaml"),
        ("nothing", "nothing"),
    ],
)
def test_what_is_meant(typed, means, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert meant(typed.split()) == means.split()


def test_a_folder_is_run_unless_it_is_named_like_a_verb(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("shop", "test"):
        Path(name).mkdir()

    assert (meant(["shop"]), meant(["test"])) == (["run", "shop"], ["test"])


def test_a_mistyped_option_with_one_dash_is_guessed(cli):
    assert "No such option '--wach'. Did you mean '--watch'?" in cli("run", "-wach").stderr
