"""A file that its author is still writing."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, strategies as st

from octo.config.report import Report
from octo.config.substitute import literal
from octo.config.unfinished import read_partly
from octo.config.yaml import read


def parted(text: str):
    report = Report()
    file = read_partly(text.encode(), "f", report)
    return literal(file).value, [f"{each.at.line}:{each.at.column}" for each in report.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [1, {c: 2", {"a": 1, "b": [1, {"c": 2}]}),
        ("a: 1\nb: 'x", {"a": 1, "b": None}),
        ("a: 1\n\tb: 2", {"a": None}),
        ("a: {b: 1}\nc: *nobody\nd: 1", {"a": {"b": 1}, "c": None}),
        ("a: !!int x\nb: 1", {"a": None}),
        ("- 1\n- ]", [1]),
        ("]", None),
    ],
)
def test_what_is_open_is_closed(text: str, value: object):
    found, problems = parted(text)

    assert found == value
    assert len(problems) == 1


def test_a_key_without_a_value_yet_is_there():
    assert parted("a: 1\nb: @")[0] == {"a": 1, "b": None}


SOURCE = yaml.safe_dump({"flows": [{"name": "a", "process": [{"type": "log", "message": "'x'"}, {"b": {"c": [1]}}]}]})


@given(st.integers(0, len(SOURCE)), st.text("{}[]:-'\"#&*!|>@ \n\ta", max_size=4))
def test_whatever_is_typed_there_is_a_tree_and_the_reason(at: int, typed: str):
    """A file that can be read gives the same tree as the normal reader."""
    text = SOURCE[:at] + typed + SOURCE[at:]
    strict = Report()
    whole = read(text.encode(), "f", strict)
    lenient = Report()
    file = read_partly(text.encode(), "f", lenient)

    assert file is not None
    assert lenient.problems == strict.problems
    if whole is not None:
        assert literal(file).value == literal(whole).value
    file.end(file.root)
