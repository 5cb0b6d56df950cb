"""The fixed parts of a configuration."""

from __future__ import annotations

import pytest

from octo.config.reader import Reader, did_you_mean, kind
from octo.config.report import Report
from octo.config.substitute import literal
from octo.config.yaml import read


@pytest.fixture
def reader():
    return Reader(Report())


def place(text: str):
    return literal(read(text.encode(), "f", Report())).top


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "`true`"),
        ("x", "text"),
        (1, "a whole number"),
        (1.5, "a number"),
        ({}, "a mapping"),
        ([], "a list"),
        (None, "nothing"),
    ],
)
def test_kinds_in_the_words_of_yaml(value: object, words: str):
    assert kind(value) == words


def test_a_misspelt_key_counts_as_what_was_meant(reader: Reader):
    fields = reader.mapping(place("nmae: x"), ("name",), "a flow")

    assert fields["name"].value == "x"
    assert [each.message for each in reader.report.problems] == ["a flow has no key `nmae`"]


def test_a_misspelt_key_does_not_replace_the_right_one(reader: Reader):
    assert reader.mapping(place("name: a\nnmae: b"), ("name",), "a flow")["name"].value == "a"


def test_nothing_is_empty(reader: Reader):
    assert reader.mapping(place(""), (), "x") == {}
    assert reader.entries(place("a:").get("a")) == []
    assert reader.text(None) is None
    assert reader.whole(None) == 0
    assert reader.report.problems == []


def test_the_hint_for_an_unknown_name():
    assert did_you_mean("lgo", ["log", "sql"]) == "did you mean `log`?; known: `log`, `sql`"
    assert did_you_mean("zzz", ["log"], "or else") == "or else; known: `log`"
    assert did_you_mean("zzz", []) == ""
