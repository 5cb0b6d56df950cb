"""Durations are written as in Go."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from octo.core.durations import Duration, OrZero, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("1h30m", 5400),
        ("1.5s", 1.5),
        ("0", 0),
        ("", 0),
        ("10us", 1e-5),
        ("10µs", 1e-5),
        ("5000ns", 5e-6),
        (2_000_000_000, 2),
        (1_000_000, 1e-3),
        (0, 0),
    ],
)
def test_durations_are_written_as_in_go(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["30", "1d", "soon", "-5s", 30, 5000, 999_999, 1.5, 3e9, True])
def test_a_duration_without_a_sensible_unit_is_refused(text):
    with pytest.raises(ValidationError, match="duration"):
        TypeAdapter(Duration).validate_python(text)


@pytest.mark.parametrize("value", ["999999999999999999h", "9" * 400 + "s", 10**400])
def test_a_duration_that_is_too_long_is_refused(value):
    with pytest.raises(ValidationError, match="too long"):
        TypeAdapter(Duration).validate_python(value)


@pytest.mark.parametrize("text", ["٣s", "1h٣m"])
def test_only_the_digits_of_ascii_count(text):
    with pytest.raises(ValidationError, match="not a duration"):
        TypeAdapter(Duration).validate_python(text)


@pytest.mark.parametrize(("text", "seconds"), [("-1s", 0), ("-1h30m", 0), ("5s", 5), ("0", 0)])
def test_a_negative_limit_is_none_where_0_is(text, seconds):
    assert TypeAdapter(Annotated[Duration, OrZero]).validate_python(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["-soon", "--1s", "-1"])
def test_a_negative_limit_must_still_be_a_duration(text):
    with pytest.raises(ValidationError, match="duration"):
        TypeAdapter(Annotated[Duration, OrZero]).validate_python(text)
