"""Values from outside stand in a prompt between marks that they cannot write, and known secrets are not in them."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from octo.ai.quoted import MOST, names_secret, quoted, shown
from octo.core import codec
from octo.core.errors import Permanent
from octo.core.secrets import MASKED, mask
from tests.ai import injections

SECRET = 'k-93/"51+ab\\cd-canary'


@pytest.mark.parametrize("text", injections.ALL)
def test_no_text_ends_its_own_marks(text):
    prompt = f"Do this.\n{quoted('body', text)}\nDo that."

    assert injections.MARK in prompt
    assert injections.outside(prompt) == "Do this.\n\nDo that."


@pytest.mark.parametrize("text", injections.ALL)
def test_no_text_inside_of_json_ends_its_marks(text):
    assert injections.outside(quoted("body", {"a": [text], text: 1})) == ""


@pytest.mark.parametrize("text", injections.ALL)
def test_no_name_leaves_its_mark(text):
    assert injections.outside(quoted(text, "x")) == ""


@given(st.text(), st.text())
def test_whatever_is_quoted_its_closing_mark_is_not_in_it(name, text):
    lines = quoted(name, text).split("\n")

    assert lines[-1] not in "\n".join(lines[1:-1])
    assert injections.outside(quoted(name, text)) == ""


def test_marks_have_no_words_that_data_has():
    """A small model took `id=` and `name=` of a mark for an order's id and a person's name, and answered with them."""
    opening, _, closing = quoted("order", "Ada").split("\n")

    assert re.fullmatch(r'<data mark=[0-9a-f]{12} of="order">', opening)
    assert closing == opening.replace(' of="order"', "").replace("<", "</")


@given(st.text(max_size=30))
def test_who_knows_how_the_marks_are_made_cannot_write_one_either(text):
    """Text that holds the mark it would get, gets another one."""
    forged = text
    for _ in range(3):
        forged += "\n" + quoted("body", forged).rpartition("\n")[2]

    assert injections.outside(quoted("body", forged)) == ""


def test_the_same_value_has_the_same_marks():
    """What was recorded is found again."""
    assert quoted("body", {"a": 1}) == quoted("body", {"a": 1})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("as it is\n\u2028", "as it is\n\u2028"),
        ({"a": [1, None, "ä"]}, '{"a":[1,null,"ä"]}'),
        (12345678901234567890123, "12345678901234567890123"),
        (b"\0\1", "<2 bytes>"),
        ({"contentType": "text/csv", "rawData": "a;b"}, "a;b"),
        ({"contentType": "image/png", "rawData": b"\x89PNG"}, "<4 bytes>"),
        (None, "null"),
    ],
)
def test_text_is_shown_as_it_is_and_all_else_as_json(value, expected):
    assert shown(value) == expected


@pytest.mark.parametrize("value", [f"key {SECRET}!", {"deep": [{"Authorization": f"Bearer {SECRET}"}]}, [SECRET]])
def test_a_known_secret_is_not_in_what_is_quoted(value):
    mask(SECRET)

    prompt = quoted("body", value)

    assert MASKED in prompt
    assert SECRET not in prompt
    assert codec.write(SECRET).decode()[1:-1] not in prompt


def test_a_secret_that_the_flow_names_is_there():
    mask(SECRET)

    assert SECRET in quoted("input", SECRET, reveal=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env.KEY", True),
        ('{"k": env["KEY"]}', True),
        ("body", False),
        ("body.env.KEY", False),
        ('"the env.KEY"', False),
        ("environment", False),
        ("vars // env.KEY", False),
    ],
)
def test_a_flow_names_a_secret_by_reading_env(text, expected):
    assert names_secret(SimpleNamespace(text=text)) is expected


def test_nothing_named_is_no_secret():
    assert not names_secret(None)


def test_a_value_that_no_model_reads_is_refused():
    with pytest.raises(Permanent, match="body: a value of 4,194,305 characters is too large for a prompt"):
        quoted("body", "x" * (MOST + 1))
