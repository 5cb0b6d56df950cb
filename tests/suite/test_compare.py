"""Values are compared as JSON, and a difference is reported with its place."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from octo.core import secrets
from octo.expr.values import Duration, Exact, Timestamp
from octo.suite.compare import as_written, compared, differences, equal

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
        ".a.b[2]": "not wanted, got 4",
        ".gone": "want 1, but it is missing",
        '["odd key"]': "want 1, got 2",
        '["new.key"]': "not wanted, got 2",
    }


@pytest.mark.parametrize(
    ("want", "got", "told"),
    [
        ([*range(59)], [*range(60)], [("", "want 59 elements, got 60"), ("[59]", "not wanted, got 59")]),
        ([1, 2, 3, 4], [1, 3, 4], [("", "want 4 elements, got 3"), ("[1]", "want 2, but it is missing")]),
        ([1], [0, 0, 1], [("", "want 1 elements, got 3"), ("[0]", "not wanted, got 0"), ("[1]", "not wanted, got 0")]),
        ([], ["a"], [("", "want 0 elements, got 1"), ("[0]", 'not wanted, got "a"')]),
        ([1, 1], [1], [("", "want 2 elements, got 1"), ("[1]", "want 1, but it is missing")]),
        ([1, 2], [0], [("", "want 2 elements, got 1"), ("[0]", "want 1, got 0"), ("[1]", "want 2, but it is missing")]),
    ],
)
def test_of_lists_that_are_not_of_one_length_the_elements_that_make_it_are_named(want, got, told):
    assert [tuple(each) for each in differences(want, got)] == told


def test_of_long_texts_the_part_that_differs_is_shown():
    text = "the quick brown fox jumps over the lazy dog " * 40
    (last,) = compared("expect.body", f"{text}today", f"{text}tomorrow")
    (first,) = compared("expect.body", f"a{text}", f"b{text}")
    (inside,) = compared("expect.body", {"a": f"{text}x"}, {"a": text})

    assert last.summary == (
        'expect.body: want ..."mps over the lazy dog today", got ..."mps over the lazy dog tomorrow"'
        " (from character 1763 on)"
    )
    assert first.summary.startswith('expect.body: want "athe quick')
    assert first.summary.endswith("... (from character 1 on)")
    assert inside.detail.startswith('body.a: want ..."jumps over the lazy dog x", got')


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

    assert len(long.summary) < 200
    assert many.detail.splitlines()[-1] == "and 80 more"


def test_the_part_in_which_long_texts_differ_is_masked_first(monkeypatch):
    """Texts may differ in the middle of a secret, and half a secret would not be recognised."""
    monkeypatch.setattr(secrets, "_secrets", {})
    secret = "s3cr3t" + "x" * 100
    secrets.mask(secret)
    [told] = compared("x", "y" * 100, f"key {secret}")

    assert "«secret»" in str(told)
    assert "xxx" not in str(told)


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        (b"\xff\xd8", "/9g=", "<ff d8>"),
        (Timestamp(0), "1970-01-01T00:00:00Z", 'timestamp("1970-01-01T00:00:00Z")'),
        (Duration(90 * 10**9), "90s", 'duration("90s")'),
    ],
)
def test_a_test_may_say_bytes_and_times_as_what_json_makes_of_them(value, text, shown):
    """YAML has a way to write bytes, and none for times. Otherwise a text is none of them, as when two runs differ."""
    assert equal({"a": [text]}, as_written({"a": [text]}, {"a": [value]}))
    assert not equal({"a": [text]}, {"a": [value]})
    assert equal([value], [value])
    assert not equal("x", as_written("x", value))
    assert compared("body", "x", value)[0].summary.startswith(f'body: want "x", got {shown}')


def test_numbers_are_compared_digit_for_digit():
    exact = Exact("0.1234567890123456789")
    assert equal([2**100, exact], [2**100, Exact("0.12345678901234567890")])
    assert not equal(exact, Exact("0.1234567890123456788"))
    assert not equal(exact, float(exact))
    assert not equal(2**100, 2**100 + 1)
    assert compared("n", exact, 0.5)[0].summary == "n: want 0.1234567890123456789, got 0.5"


def test_numbers_beyond_all_arithmetic_are_compared_as_they_are_written():
    """Anybody may send one, and a replay has to compare it."""
    large, small = (Exact(f"1e{sign}{'9' * 30}") for sign in ("", "-"))

    assert not list(differences([large, small], [large, small]))
    assert len(list(differences([large, small, 1], [small, large, large]))) == 3


def test_of_long_bytes_the_first_that_differs_is_told():
    one, other = bytes(1000), bytes(500) + b"x" + bytes(499)
    [told] = compared("body", one, other)
    assert told.summary.endswith("got <1,000 bytes: " + "00 " * 16 + "...> (from byte 501 on)")
