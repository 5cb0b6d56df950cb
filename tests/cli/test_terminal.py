"""What comes from outside does not control the terminal, whichever verb shows it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from octo.cli.project import show
from octo.cli.terminal import fitting
from octo.core.errors import Position, Problem
from octo.core.printable import calm

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\x08\u202e"
"""Clears the screen, sets the title, colours by a C1 code, overwrites, and turns the direction."""

FLOW = """
flows:
  - name: pick
    process:
      - type: set-payload
        value: body.nothing
  - name: whole
    process:
      - {type: set-payload, value: body.text, rawBody: true, contentType: text/plain}
  - name: drops
    process:
      - {type: filter, expr: body.keep, reason: "no \\e[2J"}
"""
SUITE = """
flow: pick
cases:
  - name: "title \\e[2J"
    input: {data: {"\\e[2Jkey": 1}}
    expect: {body: "\\e]0;x\\a"}
  - name: fails
    input: {data: {nothing: "\\e[2J"}}
    expect: {body: "\\e]0;x\\a"}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "flow.yaml").write_text(FLOW)
    (tmp_path / "flow_test.yaml").write_text(SUITE)
    return tmp_path


def on_terminal(folder, *arguments):
    """All that a command writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-m", "octo", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environment,
    ):
        os.close(theirs)
        found = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return found.decode().replace("\r\n", "\n")


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


BODY = json.dumps({EVIL: 1, "text": EVIL, "keep": False}, ensure_ascii=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("eval", "body.nothing", "--data", BODY),
        ("eval", "body", "--data", BODY),
        ("eval", "body", "--data", BODY, "--format", "json"),
        ("eval", "body.text", "--data", BODY, "--why"),
        ("eval", "body.nothing", "--data", BODY, "--why"),
        ("eval", f"'{EVIL}' + 1"),
        ("eval", "'x'.matches(body.text + '(')", "--data", BODY),
        ("invoke", "flow.yaml", "--flow", "pick", "--data", BODY),
        ("invoke", "flow.yaml", "--flow", "whole", "--data", BODY),
        ("invoke", "flow.yaml", "--flow", "whole", "--data", BODY, "--raw"),
        ("invoke", "flow.yaml", "--flow", "drops", "--data", BODY),
        ("invoke", "flow.yaml", "--flow", EVIL),
        ("invoke", "flow.yaml", "--flow", "pick", "--data", "{" + EVIL),
        ("why", "flow.yaml:6", "--data", BODY),
        ("test", "flow_test.yaml", "--config", "flow.yaml"),
        ("test", "flow_test.yaml", "--config", "flow.yaml", "--list"),
        ("test", EVIL),
        ("check", EVIL),
        ("explain", EVIL),
        (EVIL,),
    ],
    ids=lambda each: " ".join(each[:2])[:20].translate(dict.fromkeys(range(32), ".")),
)
def test_nothing_from_outside_controls_the_terminal(folder, arguments):
    shown = on_terminal(folder, *arguments)

    assert shown == calm(shown)
    assert re.search(r"[a-z]", shown)


def test_data_that_goes_elsewhere_is_exact(folder):
    command = (sys.executable, "-m", "octo", "invoke", "flow.yaml", "--flow", "whole", "--raw", "--data", BODY)
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)

    assert done.stdout == EVIL.encode()


def test_a_text_fits_into_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr("octo.cli.terminal.is_terminal", bool)

    assert fitting("others may read .env; fix: chmod 600 .env", 15, sys.stdout).splitlines() == [
        "others may read .env; fix: chmod",
        "               600 .env",
    ]
    assert fitting("others may read .env; fix: chmod 600 .env", 15, None) == "others may read .env; fix: chmod 600 .env"


def test_the_mark_under_a_long_line_is_seen(monkeypatch, capsys, tmp_path):
    """On a terminal a line that is too long is cut around the mark; a file gets it whole."""
    monkeypatch.setenv("COLUMNS", "60")
    path = tmp_path / "f.yaml"
    path.write_text(f"{'a' * 70}: here {'b' * 70}\n")
    problem = Problem(
        "OCTO-C111", Position(str(path), 1, 73), "wrong", "a hint that has more words than fit into one line of it"
    )

    monkeypatch.setattr("octo.cli.project.is_terminal", lambda _: True)
    monkeypatch.setattr("octo.cli.terminal.is_terminal", lambda _: True)
    show(problem)
    _, line, mark, *hints = capsys.readouterr().err.splitlines()

    assert (len(line), line[mark.index("^") :][:4]) == (60, "here")
    assert line.startswith("    1 | …a")
    assert hints == ["        a hint that has more words than fit into one line of", "        it"]

    monkeypatch.undo()
    show(problem)
    _, line, mark, *hints = capsys.readouterr().err.splitlines()
    assert line[mark.index("^") :][:4] == "here"
    assert (len(line), len(hints)) == (8 + 147, 1)
