"""Configuration and flow are found in words and options, in whatever order people write them."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from octo.cli.callee import callee


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.yaml").write_text("flows: [{name: greet, process: []}, {name: my flow, process: []}]\n")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "config", "flow", "found"),
    [
        (["flow.yaml", "greet"], None, None, ("flow.yaml", "greet")),
        (["greet"], None, None, (".", "greet")),
        (["flow.yaml"], None, "greet", ("flow.yaml", "greet")),
        ([], Path("flow.yaml"), "greet", ("flow.yaml", "greet")),
        (["greet"], Path("flow.yaml"), None, ("flow.yaml", "greet")),
    ],
)
def test_words_and_options(folder, words, config, flow, found):
    with click.Context(click.Command("invoke")):
        path, name = callee(words, config, flow, "invoke")

    assert (str(path), name) == found


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["flow.yaml"], "name the flow:\n  octo bench flow.yaml greet\n  octo bench flow.yaml 'my flow'"),
        ([], "name the flow:\n  octo bench greet\n  octo bench 'my flow'"),
        (["flow.yaml", "greet.yaml", "greet"], "what is 'greet.yaml'? Name one flow file or folder, and one flow"),
    ],
)
def test_what_is_missing_or_too_much(folder, words, says):
    with click.Context(click.Command("bench")), pytest.raises(click.UsageError) as error:
        callee(words, None, None, "bench")

    assert error.value.message == says
