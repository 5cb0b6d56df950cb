"""The text that a format builds is bounded."""

import pytest

from octo.expr.json import read

BOUND = 16 * 1024 * 1024


def test_a_text_beyond_the_bound_is_not_made(failure):
    """It is refused however small its pieces are."""
    values = ["x" * 100_000] * 200
    error = failure(f'"{"%s" * 200}".format(body)', values)

    assert (error.code, error.message) == (
        "OCTO-E207",
        f"a text of {168 * 100_000 + 400:,} characters is too large (at most {BOUND:,})",
    )


def test_a_text_within_the_bound_is_made(evaluate):
    assert evaluate('size("%s%s".format([body, body]))', "x" * 8_000_000) == 16_000_000


def test_the_digits_of_a_double_have_a_bound(evaluate, failure):
    assert evaluate('size("%.1000f".format([1.0]))') == 1002
    error = failure('"%.1001f".format([1.0])')
    assert (error.code, error.message) == ("OCTO-E209", "a precision of 1001 is too large (at most 1000)")


@pytest.mark.parametrize("text", ['"%s".format([])', '"%s %s".format([1])'])
def test_a_clause_without_a_value_is_an_expression_error(failure, text):
    assert failure(text).code == "OCTO-E205"


@pytest.mark.parametrize("number", ["1e-999999999", "1e-9999999999999999999"])
def test_a_number_that_is_long_without_its_exponent_is_refused_before_it_is_written(failure, number):
    assert failure('"%d".format([body])', read(number)).code == "OCTO-E207"


def test_a_number_with_many_digits_keeps_them(evaluate):
    assert evaluate('"%d".format([body])', read("1e-400")) == "0." + "0" * 399 + "1"


@pytest.mark.parametrize("count", [1, 400])
def test_short_and_long_templates_are_read_alike(evaluate, count):
    """The clauses of a short template are kept; 400 of these are longer than that."""
    values = ["a", 1, 2.5] * count

    assert evaluate("body.t.format(body.v)", {"t": "%s%%|%d %.1f\n" * count, "v": values}) == "a%|1 2.5\n" * count
