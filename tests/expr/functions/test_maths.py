"""Bits are shifted within 64 bits, whatever the sign."""

import pytest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("math.bitShiftRight(-1, 60)", 15),
        ("math.bitShiftRight(-1, 63)", 1),
        ("math.bitShiftRight(-1, 64)", 0),
        ("math.bitShiftRight(-1, 0)", -1),
        ("math.bitShiftRight(-1024, 3)", 2305843009213693824),
        ("math.bitShiftRight(18446744073709551615u, 63)", 1),
        ("math.bitShiftLeft(1, 63)", -(2**63)),
        ("math.bitShiftLeft(1, 64)", 0),
        ("math.bitShiftLeft(3u, 63)", 2**63),
        ("math.bitNot(0u)", 2**64 - 1),
        ("math.round(0.49999999999999994)", 0.0),
        ("math.round(-0.5)", -1.0),
        ("math.round(4503599627370497.0)", 4503599627370497.0),
    ],
)
def test_the_bits_of_64_and_no_more(evaluate, text, value):
    assert evaluate(text) == value


@pytest.mark.parametrize("name", ["bitShiftLeft", "bitShiftRight"])
def test_a_shift_by_less_than_nothing_is_refused(failure, name):
    assert failure(f"math.{name}(1, -1)").code == "OCTO-E209"
