"""octo list shows what flow files may use, one line each."""

from __future__ import annotations

import pytest

from octo.builtin import BLOCKS, CONNECTORS
from octo.cli.entries import KINDS
from octo.cli.list import _fitting


def test_everything_is_listed_by_group(cli):
    shown = cli("list").stdout

    groups = [line.rstrip(":").lower() for line in shown.splitlines() if line.endswith(":") and line[0] != " "]
    assert groups == list(KINDS)
    for name in (*BLOCKS, *CONNECTORS, "size", "transformMap", "flow"):
        assert f"\n  {name} " in shown


@pytest.mark.parametrize("word", ["blocks", "block", "Blocks"])
def test_one_group(cli, word):
    lines = cli("list", word).stdout.splitlines()

    assert lines[0] == "Blocks:"
    assert [line.split()[0] for line in lines[1:] if line.startswith("  ")] == sorted(BLOCKS)
    [rest] = [line for line in lines if line.startswith("  rest ")]
    assert rest.split()[1:4] == ["Send", "a", "request;"]


def test_the_name_of_a_thing_is_told_from_that_of_a_group(cli):
    assert "'rest' is no group. Try: octo doc rest" in cli("list", "rest").stderr


def test_a_group_that_does_not_exist(cli):
    assert "there is no group 'blcks'. Try: octo list blocks\n" in cli("list", "blcks").stderr


@pytest.mark.parametrize("columns", ["20", "40", "200"])
def test_a_narrow_terminal(monkeypatch, columns):
    """A line is never wider than the terminal, and no word is lost."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("octo.cli.list.is_terminal", lambda _: True)
    about = "Write a line to the log, or to a file, or nowhere."

    lines = _fitting("  log  ", about)

    assert all(len(line) <= int(columns) for line in lines)
    assert " ".join(" ".join(lines).split()) == f"log {about}"


def test_elsewhere_each_is_one_line():
    assert _fitting("  log  ", "x " * 200) == [("  log  " + "x " * 200).rstrip()]
