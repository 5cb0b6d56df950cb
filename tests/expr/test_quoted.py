"""Errors quote a text whole or not at all: a part of a secret could not be masked."""

import pytest

from octo import expr
from octo.expr import ExprError, Scope

SECRET = "s3cret" * 20
SCOPE = Scope(("x",), {"x": "x"})


@pytest.mark.parametrize(
    "text",
    [
        "int(x)",
        "uint(x)",
        "double(x)",
        "bool(x)",
        "timestamp(x)",
        "duration(x)",
        "{'a': 1}[x]",
        "base64.decode(x + '!')",
        "ip(x)",
        "cidr(x)",
        "fromEnv(x)",
        "timestamp(0).getHours(x)",
        "'a'.matches(x + '[')",
        "'a'.matches('[' + x)",
        "regex.extract('a', '(a)(b)' + x)",
        "regex.replace('a', 'a', '\\\\' + x)",
        "toMultipart(multipart(), x)",
        "fromMultipart('', x)",
        "fromMultipart('', 'boundary=' + x)",
    ],
)
def test_no_error_shows_a_part(text):
    with pytest.raises(ExprError) as caught:
        expr.compile(text, SCOPE).function(SECRET)
    assert caught.value.code.startswith("OCTO-E2")
    assert "s3c" not in str(caught.value).replace(SECRET, "")


def test_what_is_short_is_quoted():
    with pytest.raises(ExprError, match="cannot convert a string to int: 'abc'"):
        expr.compile("int(x)", SCOPE).function("abc")
    with pytest.raises(ExprError, match="cannot convert a string to int: <120 characters>"):
        expr.compile("int(x)", SCOPE).function(SECRET)
