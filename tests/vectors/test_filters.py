"""A filter is a map of fields; all of its conditions must hold."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from octo.core.errors import Permanent
from octo.vectors.filters import MOST, Condition, conditions

HELD = {"lang": "en", "year": 2024, "price": 1.5, "draft": False, "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        ({}, True),
        ({"lang": "en"}, True),
        ({"lang": "de"}, False),
        ({"lang": "en", "year": 2023}, False),
        ({"year": 2024.0}, True),
        ({"draft": False}, True),
        ({"draft": 0}, False),
        ({"year": True}, False),
        ({"tags": "b"}, True),
        ({"tags": "c"}, False),
        ({"gone": "x"}, False),
        ({"lang": {"$ne": "de"}}, True),
        ({"gone": {"$ne": "de"}}, True),
        ({"tags": {"$ne": "a"}}, False),
        ({"lang": {"$in": ["de", "en"]}}, True),
        ({"lang": {"$in": []}}, False),
        ({"lang": {"$nin": []}}, True),
        ({"lang": {"$nin": ["en"]}}, False),
        ({"gone": {"$nin": ["en"]}}, True),
        ({"year": {"$gte": 2024, "$lt": 2025}}, True),
        ({"year": {"$gt": 2024}}, False),
        ({"price": {"$lte": 1.5}}, True),
        ({"lang": {"$gt": 1}}, False),
        ({"draft": {"$lt": 1}}, False),
        ({"gone": {"$lt": 1}}, False),
    ],
)
def test_what_holds(written, holds):
    assert all(each.holds(HELD) for each in conditions(written)) is holds


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ([], "a map of fields"),
        ({"a.b": 1}, "no name of a field"),
        ({'x" or 1': 1}, "no name of a field"),
        ({"": 1}, "no name of a field"),
        ({"a": None}, "a text, a number or a boolean"),
        ({"a": [1]}, "a text, a number or a boolean"),
        ({"a": {}}, "no operator"),
        ({"a": {"$like": "x"}}, "is no operator; there are"),
        ({"a": {"b": 1}}, "is no operator"),
        ({"a": {"$in": "x"}}, "needs a list"),
        ({"a": {"$in": [None]}}, "a text, a number"),
        ({"a": {"$gt": "x"}}, "needs a number"),
        ({"a": {"$gt": True}}, "needs a number"),
        ({f"a{number}": 1 for number in range(MOST + 1)}, "more than"),
    ],
)
def test_what_cannot_be_understood_is_refused(written, problem):
    with pytest.raises(Permanent, match=problem) as caught:
        conditions(written)

    assert caught.value.code == "OCTO-W103"


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["$in", "$gt", "$eq", "a"]), inner),
)


@given(json)
def test_whatever_comes_is_conditions_or_refused(written):
    try:
        found = conditions(written)
    except Permanent:
        return

    assert all(isinstance(each, Condition) for each in found)
