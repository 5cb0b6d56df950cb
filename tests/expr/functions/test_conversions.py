"""A conversion accepts values up to its limit, and refuses the next one."""

import pytest

from octo.expr.values import Exact

TAKEN = [
    ('double("10")', 10.0),
    ('double("-1e3")', -1000.0),
    ("int(9223372036854774784.0)", 2**63 - 1024),
    ("int(-9223372036854774784.0)", -(2**63) + 1024),
    ("uint(18446744073709549568.0)", 2**64 - 2048),
    ('int("9223372036854775807")', 2**63 - 1),
    ('int("-9223372036854775808")', -(2**63)),
    ('uint("18446744073709551615")', 2**64 - 1),
    ("string(1e15)", "1000000000000000"),
]


@pytest.mark.parametrize(("text", "value"), TAKEN)
def test_a_value_in_the_range_of_the_type_is_taken(evaluate, text, value):
    assert evaluate(text) == value


@pytest.mark.parametrize(
    "text",
    [
        'double("1_0")',
        'double(" 1")',
        'double("٣.5")',
        'double("٣")',
        'double("1٣")',
        'double("1\u00a0")',
        'int("٣")',
        'uint("٣")',
        'double("1\\n")',
        'double("")',
        "int(9223372036854775808.0)",
        "int(-9223372036854775808.0)",
        "int(0.0 / 0.0)",
        "uint(18446744073709551616.0)",
        'int("9223372036854775808")',
        'int("1_0")',
        'int("")',
        'uint("+1")',
        'uint("18446744073709551616")',
        "uint(-1)",
        'bool("yes")',
    ],
)
def test_what_is_no_value_of_the_type_is_refused(failure, text):
    assert failure(text).code == "OCTO-E206"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("int(body)", 9007199254740993),
        ("uint(body)", 9007199254740993),
        ("int(body) == 9007199254740993", True),
    ],
)
def test_a_decimal_gives_all_its_digits_to_an_int(evaluate, text, value):
    """A numeric column is a decimal. The nearest double of this one ends in 2."""
    assert evaluate(text, Exact("9007199254740993")) == value
    assert evaluate(text, Exact("9007199254740993.7")) == value


@pytest.mark.parametrize("literal", ["1e400", "-1e400", "9223372036854775808", "18446744073709551616"])
def test_a_decimal_beyond_64_bits_is_refused(failure, literal):
    assert failure("int(body)", Exact(literal)).code == "OCTO-E206"
    assert literal == "9223372036854775808" or failure("uint(body)", Exact(literal)).code == "OCTO-E206"
