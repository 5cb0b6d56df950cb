"""Values for people fit into one line, whatever they are."""

import pytest

from octo.expr.sketch import sketch
from octo.expr.values import NONE, Duration, Optional, Timestamp, Type, Uint


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (-3, "-3"),
        (Uint(3), "3u"),
        (2.5, "2.5"),
        ('a"\n', '"a\\"\\n"'),
        (b"a\xff", 'b"a\\\\xff"'),
        ([1, [], {}], "[1, [], {}]"),
        ({"a": {"b": None}}, '{"a": {"b": null}}'),
        (NONE, "optional.none()"),
        (Optional([1]), "optional.of([1])"),
        (Type("int"), "int"),
        (Timestamp(0), "1970-01-01T00:00:00Z"),
        (Duration(1_500_000_000), "1.5s"),
    ],
)
def test_a_value_is_written_much_like_json(value, text):
    assert sketch(value) == text


def test_a_huge_number_is_not_written_out():
    assert sketch(10**5000) == "a number of 16610 bits"


def test_a_large_value_is_cut():
    assert sketch(list(range(10**6)), 20) == "[0, 1, 2, 3, 4, 5, …"
    assert len(sketch("x" * 10**6)) == 60
    assert len(sketch({str(number): "x" * 1000 for number in range(1000)})) == 60


def test_a_value_that_shares_its_parts_is_no_trap():
    value = []
    for _ in range(80):
        value = [value, value]
    assert len(sketch(value)) == 60


def test_what_is_concealed_is_not_shown_even_in_part():
    secret = "s" * 100
    assert sketch([secret, {secret: 1}], conceal=lambda text: text.replace(secret, "***")) == '["***", {"***": 1}]'
