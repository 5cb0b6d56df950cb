"""Defects that the fuzzer found (bench/fuzz), each kept as a promise."""

import math
import re
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from octo.expr import ExprError, Scope, compile, render  # noqa: A004 - the name of the API
from octo.expr.values import SECOND, Duration, Timestamp

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


def test_only_the_value_itself_can_be_zero():
    for text in ("optional.none()", "optional.of(0)"):
        assert compile(f"optional.ofNonZeroValue({text}).hasValue()", SCOPE)(0) is True


@pytest.mark.parametrize("text", ["YQ=", "YWJj=", "YWJj==", "YWJj====", "wA=", "YQ===", "=", "====", "Y", "Y==="])
def test_base64_has_its_own_padding_or_none(text):
    with pytest.raises(ExprError, match="not base64"):
        compile("base64.decode(v)", SCOPE)(text)


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\xc0"])
def test_base64_may_leave_its_padding_out(data):
    text = b64encode(data).decode()
    for each in (text, text.rstrip("=")):
        assert compile("base64.decode(v)", SCOPE)(each) == data


def test_base64_does_not_look_at_bits_of_no_byte():
    assert compile("base64.decode('YR==') == b'a' && base64.decode('YR') == b'a'", SCOPE)(None) is True


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e15, "1000000000000000"),
        (-1e15, "-1000000000000000"),
        (2.0**53 + 2, "9007199254740994"),
        (9999999999999998.0, "9999999999999998"),
        (1e16, "1e+16"),
    ],
)
def test_a_whole_double_has_no_fraction_up_to_its_exponent(value, text):
    assert compile("string(v)", SCOPE)(value) == text
    assert compile("'%s'.format([v])", SCOPE)(value) == text


def test_a_whole_double_has_no_fraction_as_a_text_setting():
    assert render(9999999999999998.0) == "9999999999999998"


NANOS = st.one_of(
    st.integers(LEAST, -LEAST - 1),
    st.integers(-9_223_372_036, 9_223_372_035).flatmap(
        lambda second: st.integers(-1, 1).map((second * SECOND).__add__)
    ),
)


@given(NANOS)
@example(-9_007_200_500_000_000)
@example(-9_007_199_254_740_993)
def test_parts_of_a_duration_are_cut_towards_zero(nanos):
    sign, size = (-1 if nanos < 0 else 1), abs(nanos)
    parts = "[int(v), v.getSeconds(), v.getMinutes(), v.getHours(), v.getMilliseconds()]"

    assert compile(parts, SCOPE)(Duration(nanos)) == [
        sign * (size // SECOND),
        sign * (size // SECOND),
        sign * (size // (60 * SECOND)),
        sign * (size // (3600 * SECOND)),
        sign * (size // 1_000_000 % 1000),
    ]


@given(st.integers(Timestamp.lowest, Timestamp.highest))
@example(-1_500_000_000)
@example(-1)
@example(Timestamp.lowest)
def test_parts_of_a_timestamp_are_cut_towards_the_past(nanos):
    parts = "[int(v), v.getMilliseconds(), v.getSeconds(), v.getMinutes(), v.getHours(), v.getDayOfWeek()]"
    seconds = nanos // SECOND

    assert compile(parts, SCOPE)(Timestamp(nanos)) == [
        seconds,
        nanos // 1_000_000 % 1000,
        seconds % 60,
        seconds // 60 % 60,
        seconds // 3600 % 24,
        (seconds // 86400 + 4) % 7,
    ]
    assert compile("timestamp(string(v)) == v", SCOPE)(Timestamp(nanos)) is True


@given(NANOS)
def test_the_text_of_a_duration_reads_back_as_the_same(nanos):
    assert compile("duration(string(v)) == v", SCOPE)(Duration(nanos)) is True


# --- what docs/expressions.md says about the official evaluator ------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "expressions.md"
SECTION = PAGE.read_text().partition("## Differences from the official evaluator")[2].partition("\n## ")[0]
SHOWN = re.findall(r"^\| `(.+?)` \| `?(.+?)`? \| ", SECTION, re.MULTILINE)


def shown(text):
    try:
        return render(compile(text, Scope(()))())
    except ExprError:
        return "an error"


def test_the_page_shows_differences():
    assert len(SHOWN) == sum(line.startswith("| `") for line in SECTION.splitlines()) > 20


@pytest.mark.parametrize(("text", "here"), SHOWN)
def test_a_shown_difference_is_there(text, here):
    assert shown(text) == here


def test_what_null_cannot_do_is_refused_where_it_is_not_reached():
    for text in ("true ? 1 : null[1]", "true ? 1 : int(null)", "true ? 1 : null + 1"):
        with pytest.raises(ExprError):
            compile(text, Scope(()))


def test_a_map_takes_bool_and_number_keys_that_are_not_the_same_in_python():
    assert shown("{true: 1, 0: 2, 2: 3}.size()") == "3"
    assert shown("{false: 1, 0: 2}") == "an error"
