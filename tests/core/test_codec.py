"""Bytes from outside become bodies without loss. How requests use it: tests/connectors/http/test_requests.py."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as some

from octo.core.codec import NotJson, body as parse

VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(10**40), 10**40)
    | some.text()
    | some.floats(allow_nan=False, allow_infinity=False),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)


@given(VALUES)
def test_every_value_comes_through(value):
    """Integers of any length included, at any place."""
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize("digits", range(15, 45))
@pytest.mark.parametrize("padding", range(4))
def test_long_integers_are_found_wherever_they_stand(digits, padding):
    """The quick check samples every fourth byte; no alignment may hide a long number from it."""
    number = int("9" * digits)

    assert parse(b" " * padding + b"-%d" % number) == -number


@pytest.mark.parametrize("data", [b"NaN", b"-Infinity", b'{"a":}', b"\xff", b'"\\ud800"', b"1 2"])
def test_what_is_no_json_is_refused(data):
    """The error quotes nothing of the text."""
    with pytest.raises(NotJson):
        parse(data)


@pytest.mark.parametrize(
    ("charset", "content_type"),
    [
        ("utf-8-sig", ""),
        ("utf-8-sig", "application/json; charset=utf-8"),
        ("utf-16", ""),
        ("utf-16", "application/json; charset=utf-16"),
        ("utf-16-be", "application/json; charset=utf-16be"),
        ("iso-8859-1", "application/json; charset=iso-8859-1"),
    ],
)
def test_the_charset_is_the_one_of_the_byte_order_mark_or_of_the_content_type(charset, content_type):
    assert parse('{"a": "\u00e9"}'.encode(charset), content_type) == {"a": "\u00e9"}
    assert parse(" ".encode(charset), content_type) is None


@pytest.mark.parametrize("data", [b"", b" ", b"\r\n\t "])
def test_nothing_at_all_is_null(data):
    assert parse(data) is None
