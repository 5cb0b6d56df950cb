"""Values are compared as JSON, and a difference is told so that it is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octo.testing.suite.compare import compared, differences, equal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_a_value_is_equal_to_itself(value):
    assert equal(value, value)
    assert compared("x", value, value) == []


@given(JSON, JSON)
def test_two_values_differ_exactly_if_a_difference_is_told(one, other):
    assert equal(one, other) == (compared("x", one, other) == [])
    assert equal(one, other) == equal(other, one)


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (None, False), ("", None), ([], {}), ("1", 1)])
def test_kinds_are_told_apart(one, other):
    assert not equal(one, other)


def test_numbers_are_equal_whatever_their_notation():
    assert equal(42, 42.0)
    assert equal({"a": [1.0]}, {"a": [1]})
    assert not equal(2**63, 2**63 + 1)


def test_every_place_that_differs_is_named():
    want = {"a": {"b": [1, 2]}, "gone": 1, "odd key": 1}
    got = {"a": {"b": [1, 3, 4]}, "new.key": 2, "odd key": 2}

    assert {each.path: each.what for each in differences(want, got)} == {
        ".a.b[1]": "want 2, got 3",
        ".a.b": "want 2 elements, got 3",
        ".gone": "want 1, it is not there",
        '["odd key"]': "want 1, got 2",
        '["new.key"]': "not wanted, got 2",
    }


def test_what_only_looks_alike_is_explained():
    (found,) = compared("expect.body", 42, "42")

    assert found.summary == 'expect.body: want 42, got "42" (a string, not a number)'


def test_small_values_are_shown_whole_and_big_ones_place_by_place():
    (small,) = compared("expect.body", {"a": 1}, {"a": 2})
    (big,) = compared("expect.body", {"a": 1, "b": "x" * 99}, {"a": 2, "b": "x" * 99})

    assert small.detail == 'want: {"a": 1}\ngot:  {"a": 2}'
    assert big.detail == "body.a: want 1, got 2"


def test_no_value_floods_the_terminal():
    (long,) = compared("expect.body", "x" * 5000, "y" * 5000)
    (many,) = compared("expect.body", list(range(100)), list(range(1, 101)))

    assert len(long.summary) < 2200
    assert long.summary.endswith("(5002 characters)")
    assert many.detail.splitlines()[-1] == "and 80 more"
