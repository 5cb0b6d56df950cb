"""Control sequences do not reach the terminal."""

from __future__ import annotations

import json

import pytest

from octo.core.printable import calm, printable, printable_json


@pytest.mark.parametrize("text", ["", "a plain one, with spaces", "Grüße 東京 😀"])
def test_what_shows_stays(text):
    assert printable(text) == printable_json(text) == text


@pytest.mark.parametrize("bad", ["\x1b", "\n", "\r", "\t", "\x00", "\x7f", "\x9b", "\u2028", "\u202e", "\ud800"])
def test_what_does_not_show_is_a_dot(bad):
    assert printable(f"a{bad}[2Jb") == "a·[2Jb"


@pytest.mark.parametrize("bad", ["\x9b", "\u2028", "\u202e", "\ud800", "\U000e0001"])
def test_json_stays_the_same_value(bad):
    shown = printable_json(json.dumps({bad: f"é{bad}"}, ensure_ascii=False))

    assert shown.isprintable()
    assert json.loads(shown) == {bad: f"é{bad}"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n\tb", "a\n\tb"),
        ("\x1b[31m\x1b[1mred\x1b[0m", "\x1b[31m\x1b[1mred\x1b[0m"),
        ("\x1b[2Jgone", "·[2Jgone"),
        ("\x1b]0;title\x07", "·]0;title·"),
        ("\x1b[8mhidden", "·[8mhidden"),
        ("\x1b[38;5;1m\x1b[31;8m", "·[38;5;1m·[31;8m"),
        ("\x9b2J \r \x08 \u202e \ud800", "·2J · · · ·"),
        ("Grüße 東京 😀", "Grüße 東京 😀"),
    ],
)
def test_lines_and_colours_stay_and_nothing_else_controls(text, shown):
    assert calm(text) == shown
