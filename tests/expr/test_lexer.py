"""A text becomes tokens with a place, a kind and a meaning."""

import pytest

from octo.expr import ExprError
from octo.expr.lexer import tokens
from octo.expr.values import Uint


def kinds(text):
    return [token.kind for token in tokens(text)]


def test_tokens_know_where_they_stand():
    text = "a.b // note\n + 'x'"
    assert [text[token.start : token.end] for token in tokens(text)] == ["a", ".", "b", "+", "'x'", ""]


def test_operators_are_as_long_as_they_can_be():
    assert kinds("a<=b&&c!=-1") == ["name", "<=", "name", "&&", "name", "!=", "-", "int", "end"]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("0x1F", "int", 31),
        ("7u", "uint", Uint(7)),
        (".5", "double", 0.5),
        ("1e3", "double", 1000.0),
        ("in", "in", "in"),
        ("inn", "name", "inn"),
        ("`a-b.c`", "quoted", "a-b.c"),
        ("'a\\n\\x41\\u00e9\\101'", "string", "a\nAéA"),
        ("r'a\\n'", "string", "a\\n"),
        ('"""a"\n"b"""', "string", 'a"\n"b'),
        ("b'\\xff\\377'", "bytes", b"\xff\xff"),
        ("bR'\\x'", "bytes", b"\\x"),
    ],
)
def test_literals_mean_what_they_say(text, kind, value):
    token = tokens(text)[0]
    assert (token.kind, token.value) == (kind, value)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a = b", 3, "'=' is not an operator. Did you mean '=='?"),
        ("'abc", 1, "the string that starts here has no end"),
        ("a + #", 5, "the character '#' has no place in an expression"),
        ("12abc", 1, "'12a' is not a number"),
        ("'\\q'", 2, "unknown escape"),
        ("'\\ud800'", 2, "is not a character"),
        ("b'\\u0041'", 3, "unknown escape"),
        ("18446744073709551616u", 1, "does not fit into a uint of 64 bits"),
    ],
)
def test_what_is_no_token_is_refused_where_it_stands(text, column, message):
    with pytest.raises(ExprError) as caught:
        tokens(text)
    assert caught.value.column == column
    assert message in str(caught.value)
