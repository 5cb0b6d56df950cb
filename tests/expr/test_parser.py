"""The parser accepts CEL, and says in plain words what is wrong with everything else."""

import pytest
from hypothesis import example, given, settings, strategies as st

from octo.expr import ExprError
from octo.expr.parser import MAX_DEPTH, MAX_TEXT, parse

# The first example of a run pays for imports.
UNHURRIED = settings(deadline=None)

MESSAGES = [
    ("", 1, "the expression is empty"),
    ("body.name +", 12, "expected an expression after '+', found end of text"),
    ("a ? b", 6, "expected ':' and the value for false after 'b', found end of text"),
    ("1 + + 2", 5, "expected an expression after '+', found '+'"),
    ("[1, 2", 6, "expected ']' to close '[' after '2', found end of text"),
    ('{"a" 1}', 6, "expected ':' after '\"a\"', found '1'"),
    ("f(x", 4, "expected ')' to close '(' after 'x', found end of text"),
    ("f(x,)", 5, "expected an expression after ',', found ')'"),
    ("a b", 3, "expected an operator or the end of the expression after 'a', found 'b'"),
    ("a..b", 3, "expected a field name after '.', found '.'"),
    ("for", 1, "'for' is a reserved word of CEL and cannot be a name"),
    ('"abc', 1, 'the string that starts here has no end. Close it with "'),
    ("a = b", 3, "'=' is not an operator. Did you mean '=='?"),
    ("a & b", 3, "'&' is not an operator. Did you mean '&&'?"),
    ("a # b", 3, "the character '#' has no place in an expression"),
    ("99999999999999999999", 1, "the number 99999999999999999999 does not fit into an int of 64 bits"),
    ("1abc", 1, "'1a' is not a number"),
    (r'"\q"', 2, r"unknown escape '\\q' in a string literal"),
    (r'"\ud800"', 2, r"'\\ud800' is not a character"),
    ("[].map(1, 2)", 4, "argument 1 of map must be a plain name for the variable, found a literal"),
    ("has(a)", 1, "wrong use of the macro has. Write has(x.field)"),
    ("[].transformList(i, i, i)", 4, "both variables of transformList are called 'i'"),
]


@pytest.mark.parametrize(("text", "column", "message"), MESSAGES)
def test_a_syntax_error_has_a_position_and_plain_words(text, column, message):
    with pytest.raises(ExprError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)
    assert (caught.value.line, caught.value.column, caught.value.text) == (1, column, text)


def test_a_position_counts_lines():
    with pytest.raises(ExprError) as caught:
        parse('body.name\n  + "é" +\n  * 2')
    assert (caught.value.line, caught.value.column) == (3, 3)


NESTINGS = [("(", ")"), ("[", "]"), ("f(", ")"), ("a[", "]"), ("{1:", "}"), ("!", ""), ("a?b:", ""), ("a.b(", ")")]


@pytest.mark.parametrize(("before", "after"), NESTINGS)
def test_nesting_is_accepted_up_to_a_limit_and_refused_cleanly_beyond(before, after):
    parse(before * 150 + "1" + after * 150)
    for depth in (MAX_DEPTH + 1, 5_000):
        with pytest.raises(ExprError) as caught:
            parse(before * depth + "1" + after * depth)
        assert caught.value.code == "OCTO-E107"


@pytest.mark.parametrize("operator", ["+", "&&", "||", "-", "*", "=="])
def test_a_long_chain_is_not_deep(operator):
    parse(f" {operator} ".join(["a"] * 5_000))


def test_a_text_that_is_too_long_is_refused():
    with pytest.raises(ExprError, match="at most 65536"):
        parse("1" * (MAX_TEXT + 1))


@UNHURRIED
@given(st.text(max_size=60))
@example("\x00")
@example("'\\")
@example("b'\ud800'")
@example("`")
def test_random_text_parses_or_is_an_expression_error(text):
    try:
        parse(text)
    except ExprError as error:
        assert error.code.startswith("OCTO-E1")  # noqa: PT017 - success is as good


@UNHURRIED
@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "1",
                "2u",
                "1.5",
                "'x'",
                "+",
                "-",
                "*",
                "!",
                "&&",
                "||",
                "?",
                ":",
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                ".",
                ",",
                "in",
                "has",
                "map",
                ".?b",
                "[?",
                "?",
            ]
        ),
        max_size=25,
    )
)
def test_random_tokens_parse_or_are_an_expression_error(words):
    try:
        parse(" ".join(words))
    except ExprError as error:
        assert error.code.startswith("OCTO-E1")  # noqa: PT017 - success is as good
