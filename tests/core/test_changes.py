"""Where two values differ."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from octo.core.changes import ABSENT, Change, changes, unlike

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_a_value_does_not_differ_from_itself(value):
    assert list(changes(value, json.loads(json.dumps(value)))) == []


@given(JSON, JSON)
def test_values_that_are_not_equal_differ(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    if not same and json.dumps(one) != json.dumps(other) and one != other:
        assert list(changes(one, other))


def test_every_place_that_differs_is_found():
    was = {"a": 1, "gone": 2, "list": [1, 2, 3], "kind": 1, "deep": [{"x": "y"}]}
    now = {"a": 1.0, "new": 3, "list": [1, 5], "kind": True, "deep": [{"x": "z"}]}

    assert list(changes(was, now)) == [
        Change("gone", 2, ABSENT),
        Change("list[1]", 2, 5),
        Change("list[2]", 3, ABSENT),
        Change("kind", 1, True),
        Change("deep[0].x", "y", "z"),
        Change("new", ABSENT, 3),
    ]


@pytest.mark.parametrize(
    ("recorded", "asked", "fits"),
    [
        ("Bearer «secret:KEY»", "Bearer abc", True),
        ("Bearer «secret»", "Bearer «secret:KEY»", True),
        ("Bearer «secret:KEY»", "Basic abc", False),
        ("«secret:A»-«secret:B»", "1-2", True),
        ("«secret:A»", "", False),
        ("«secret:A»", 123456, True),
        ("«secret:A»", None, False),
        ("a.c", "abc", False),
    ],
)
def test_a_masked_secret_fits_any_text(recorded, asked, fits):
    assert (list(changes(recorded, asked)) == []) is fits


def test_what_is_ignored_is_ignored_with_all_below():
    was, now = {"a": [{"id": 1, "b": 2}], "at": {"x": 1}}, {"a": [{"id": 5, "b": 3}], "at": {"x": 2}}

    assert unlike(was, now, ["a[].id", "at"]) == [Change("a[0].b", 2, 3)]
    assert unlike(was, now, ["a[0]", "at.x"]) == []
    assert len(unlike(was, now, ["a[1]", "atx"])) == 3
