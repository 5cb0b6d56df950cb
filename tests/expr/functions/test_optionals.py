"""Which values are zero."""

import pytest


@pytest.mark.parametrize(
    ("text", "present"),
    [
        ("timestamp(0)", False),
        ('timestamp("1970-01-01T00:00:00.000000001Z")', True),
        ('duration("0s")', False),
        ('duration("1ns")', True),
        ("0u", False),
        ("0.0", False),
        ("null", False),
        ("false", False),
        ("[]", False),
        ("{}", False),
        ('b""', False),
        ("[0]", True),
        ('" "', True),
    ],
)
def test_a_zero_value_is_none(evaluate, text, present):
    assert evaluate(f"optional.ofNonZeroValue({text}).hasValue()") is present
