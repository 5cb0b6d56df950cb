"""The help of a verb begins with what one needs."""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from octo.cli import VERBS, doubled, octo
from octo.cli.help import Verb

EXAMPLES = {
    verb: [line.strip() for line in (command.epilog or "").splitlines() if line.startswith("  octo ")]
    for verb in VERBS
    if isinstance(command := importlib.import_module(f"octo.cli.{verb}").command, Verb)
}


@pytest.mark.parametrize("verb", EXAMPLES)
def test_examples_come_before_options(cli, verb):
    shown = cli(verb, "--help").stdout

    assert EXAMPLES[verb]
    assert shown.index("Examples:") < shown.index("Options:")


@pytest.mark.parametrize("example", [each for those in EXAMPLES.values() for each in those])
def test_each_example_can_be_parsed(example, tmp_path, monkeypatch):
    """What follows after two blanks says what it is for; files and values are checked when it runs."""
    monkeypatch.chdir(tmp_path)
    Path("flow.yaml").touch()
    verb, *arguments = shlex.split(example.split("  ")[0].split("|")[0].split("<")[0].removeprefix("octo "))
    command = octo.get_command(None, verb)

    assert command is not None
    with command.make_context(verb, doubled(command, arguments), resilient_parsing=False):
        pass


def test_a_verb_without_options_has_help():
    assert "Usage:" in CliRunner().invoke(octo, ["version", "--help"]).stdout
