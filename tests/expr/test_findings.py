"""What the fuzzer found (bench/fuzz), each defect kept as a promise."""

import math

import pytest

from octo.expr import ExprError, Scope, compile  # noqa: A004 - the name of the API

SCOPE = Scope(("v",), {"v": "v"}, strict=True)
LEAST = -(2**63)


def test_the_remainder_of_a_quotient_beyond_64_bits_is_an_overflow():
    for text in ("v % -1", f"{LEAST} % -1", f"{LEAST} % v", "dyn(v) % dyn(-1)"):
        with pytest.raises(ExprError, match="overflow"):
            compile(text, SCOPE)(LEAST if text[0] in "vd" else -1)


def test_two_minus_signs_are_none():
    assert compile("--v", SCOPE)(LEAST) == LEAST
    assert compile("---v", SCOPE)(5) == -5
    with pytest.raises(ExprError, match="overflow"):
        compile("-(-v)", SCOPE)(LEAST)


def test_the_sign_of_a_zero_is_zero():
    assert math.copysign(1, compile("math.sign(v)", SCOPE)(-0.0)) == 1


@pytest.mark.parametrize(("value", "text"), [(1e21, "1" + "0" * 21), (1e-7, "0.0000001"), (2.0, "2"), (-0.0, "-0")])
def test_a_decimal_has_no_exponent(value, text):
    assert compile("'%d'.format([v])", SCOPE)(value) == text


def test_a_missing_null_key_is_called_null():
    with pytest.raises(ExprError, match="no such key: null"):
        compile("v[null]", SCOPE)({})


def test_a_negative_double_is_no_uint_however_small():
    assert compile("uint(v)", SCOPE)(-0.0) == 0
    for value in (-0.5, -1e-320):
        with pytest.raises(ExprError, match="cannot convert a double to uint"):
            compile("uint(v)", SCOPE)(value)
