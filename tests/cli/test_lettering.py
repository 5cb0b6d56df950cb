"""What is printed of dead letters fits a narrow terminal, and holds nothing that controls it."""

from __future__ import annotations

import sys

import pytest

from octo.cli import lettering
from octo.cli.lettering import covered, group_lines, letter_lines
from octo.core import letter, secrets
from octo.core.message import Message
from octo.letters.groups import Group
from octo.letters.places import Entry
from octo.services.memory.queues import Lines

HOSTILE = "\x1b[2J" + "x" * 500 + "\nsecond"


def told():
    return letter.of(HOSTILE, HOSTILE, ValueError(HOSTILE))


def group():
    return Group("3f2a9c1e", 12_000, "2026-01-01", "2026-01-02", HOSTILE, HOSTILE, told())


def entry(body):
    from octo.letters.places import InQueue

    return Entry(InQueue(Lines(), HOSTILE), "1", told(), Message(body, {"v": 1}).to_record())


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_terminal_gets_lines_that_fit(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(lettering, "is_terminal", lambda _: True)
    _, *lines = group_lines(group())

    assert max(map(len, lines)) <= max(columns, 40)
    assert all(each.isprintable() for each in lines)


def test_a_pipe_gets_whole_lines():
    assert not sys.stdout.isatty()
    assert any("x" * 400 in each for each in group_lines(group()))


def test_a_letter_controls_no_terminal():
    assert all(each.isprintable() for each in letter_lines(entry({"k": HOSTILE})))


def test_what_is_no_message_is_said():
    broken = entry(1)._replace(record={"v": 99})

    assert any("reads version 1" in each for each in letter_lines(broken))
    assert covered(broken._replace(record="text"), None).record == "text"


def test_a_secret_of_the_process_is_not_shown():
    secrets.mask("hunter2-hunter2")
    shown = "\n".join(letter_lines(covered(entry({"k": "hunter2-hunter2"}), None)))

    assert "hunter2" not in shown
