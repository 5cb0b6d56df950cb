"""The limits are the same for every provider."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from octo.core.errors import Permanent
from octo.expr.values import Duration, Timestamp
from octo.services import limits

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@given(VALUES)
def test_every_value_has_a_size(value):
    """Every value that a body may be is accepted."""
    assert limits.size(value) >= 0


@pytest.mark.parametrize("value", [Timestamp(0), Duration(0), Decimal("1.10"), 2**100])
def test_cels_own_values_are_values(value):
    assert limits.size(value) > 0


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (["\ud800"], "a text has half a surrogate pair"),
        ({"a": (1,)}, "tuple is no value: it is what a body may be, JSON and bytes"),
        ([{1: 2}], "a mapping has a key that is no text"),
    ],
)
def test_what_is_no_value_is_said(value, complaint):
    with pytest.raises(Permanent) as caught:
        limits.size(value)
    assert (caught.value.code, str(caught.value)) == ("OCTO-P110", complaint)


def test_the_size_is_about_that_of_json():
    assert limits.size("x" * 100) == 102
    assert limits.size(b"x" * 100) == 100
    assert 900 < limits.size(["x" * 100] * 9) < 1000
    assert limits.size({"a" * 50: "x" * 50}) > 100
    assert limits.size(10**1000) > 1000


def test_a_value_of_a_mebibyte_is_the_largest():
    assert limits.size(b"x" * 2**20) == 2**20
    with pytest.raises(Permanent, match="more than 1,048,576 bytes") as caught:
        limits.size(b"x" * (2**20 + 1))
    assert caught.value.code == "OCTO-P110"


def nested(depth, within):
    value: object = []
    for _ in range(depth):
        value = within(value)
    return value


@pytest.mark.parametrize("within", [lambda each: [each], lambda each: {"k": each}], ids=["list", "map"])
def test_a_value_nests_a_thousand_deep(within):
    """A thousand levels are more than anybody writes, and no more than every codec can read."""
    limits.size(nested(1000, within))
    with pytest.raises(Permanent, match="nests more than 1,000 deep"):
        limits.size(nested(1001, within))


@pytest.mark.parametrize("check", [lambda text: limits.name(text, "key"), limits.path, limits.prefix])
def test_names_are_given_back(check):
    assert check("é" * 256) == "é" * 256


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "a key has 1 to 512 bytes in UTF-8, this one has 0"),
        ("é" * 257, "this one has 514"),
        ("a\0b", "must not contain NUL"),
        ("\ud800", "half a surrogate pair"),
    ],
)
def test_what_is_no_name_is_said(text, complaint):
    with pytest.raises(Permanent, match=complaint) as caught:
        limits.name(text, "key")
    assert caught.value.code == "OCTO-P110"


def test_an_error_does_not_repeat_a_long_name():
    """The error is logged."""
    with pytest.raises(Permanent) as caught:
        limits.namespace("x" * 100_000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (("", 1, 0.0, "", ""), "a queue name has 1 to 512 bytes"),
        (("orders", object(), 0.0, "", ""), "object is no value"),
        (("orders", 1, -1.0, "", ""), "`delay` must be more than 0"),
        (("orders", 1, 0.0, "\0", ""), "a key must not contain NUL"),
        (("orders", 1, 0.0, "", "\0"), "a ordering key must not contain NUL"),
        (("orders", 1, 5.0, "", "customer"), "a message with an ordering key has no `delay`"),
    ],
)
def test_what_no_queue_takes_is_said(given, complaint):
    with pytest.raises(Permanent, match=complaint):
        limits.sending(*given)
