"""The meaning of a bare word."""

from __future__ import annotations

import math

import pytest

from octo.expr.scalars import binary, resolve, tagged
from octo.expr.values import Exact


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("1_000", 1000),
        ("0x1F", 31),
        ("0b101", 5),
        ("0o17", 15),
        ("017", 15),
        ("-0o17", -15),
        ("089", 89.0),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("6.", 6.0),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2**64),
        ("0.1234567890123456789", Exact("0.1234567890123456789")),
        ("1e400", Exact("1e400")),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("--", "--"),
        ("10s", "10s"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_words_and_numbers(text: str, value: object):
    assert repr(resolve(text)) == repr(value)  # equal, of the same type, digit for digit


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-02", "2026-01-02T00:00:00Z"),
        ("2026-1-2", "2026-01-02T00:00:00Z"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.600Z", "2026-01-02T03:04:05.6Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T03:04:05+02:00"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("2026-13-01", "2026-13-01"),
        ("2026-02-30", "2026-02-30"),
        ("2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+24:00"),
        ("2026-01-02T03:04:05+10:60", "2026-01-02T03:04:05+10:60"),
        ("2026-01-0٢", "2026-01-0٢"),
    ],
)
def test_dates_become_rfc_3339_text(text: str, value: str):
    assert resolve(text) == value


def test_not_a_number():
    assert math.isnan(resolve(".nan"))


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [("str", "12", "12"), ("int", "12", 12), ("float", "1", 1.0)],
)
def test_a_tag_decides(tag: str, text: str, value: object):
    assert tagged(tag, text) == value


@pytest.mark.parametrize(("tag", "text"), [("int", "x"), ("bool", "1"), ("null", "x"), ("binary", "a%"), ("!own", "")])
def test_a_tag_that_does_not_fit_is_refused(tag: str, text: str):
    with pytest.raises(ValueError):
        tagged(tag, text)


def test_bytes_are_base64_of_any_width():
    """As a block scalar the base64 may be broken into lines."""
    assert binary("/wA=\n  aGk=\n".replace("/wA=", "/wAA")) == b"\xff\x00\x00hi"
    with pytest.raises(ValueError):
        binary("no base64!")
