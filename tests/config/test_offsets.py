"""The place in the file of each character of a value."""

from __future__ import annotations

import pytest

from octo.config.report import Report
from octo.config.yaml import read


@pytest.mark.parametrize(
    "text",
    [
        "a: one two @ three\n",
        "a: 'one @ two'\n",
        "a: 'it''s @ here'\n",
        'a: "one \\"two\\" @"\n',
        'a: "tab\\t then @"\n',
        'a: "\\u0041\\x42 @"\n',
        "a: &anchor 'one @'\n",
        "a: !!str 'one @'\n",
        "a: |\n  one\n  two @\n",
        "a: |2\n    one\n    two @\n",
        "a: |-   # why\n\n  one\n\n    two @\n  three\n",
        "a: >\n  one\n  two @\n\n  three\n",
        "a: >-\n  one\n  two\n\n  three @\n",
        "a: one\n  two @\n  three\n",
        "a: 'one\n\n  two @'\n",
        'a: "one \\\n  two @"\n',
        "a: é ü 😀 @\n",
    ],
)
def test_every_style_leads_back_to_the_character(text: str):
    file = read(text.encode(), "f", Report())
    node = file.root.value["a"]
    before = node.value[: node.value.index("@")]

    at = file.inside(node, before.count("\n") + 1, len(before) - before.rfind("\n"))

    assert text.split("\n")[at.line - 1][at.column - 1] == "@"


def test_the_end_of_a_value_is_behind_its_last_character():
    file = read(b"a: 'one +'\n", "f", Report())

    assert str(file.inside(file.root.value["a"], 1, 6)) == "f:1:10"


def test_a_value_that_is_no_text_has_one_place():
    file = read(b"a: 12\n", "f", Report())

    assert str(file.inside(file.root.value["a"], 1, 2)) == "f:1:4"
