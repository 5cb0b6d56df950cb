"""The checker deduces types, and refuses what can have none."""

import pytest

from octo.expr import ExprError, Scope
from octo.expr.check import type_of

SCOPE = Scope(("body",), {"body": "body", "names": "body"})


@pytest.mark.parametrize(
    ("text", "deduced"),
    [
        ("1", "int"),
        ("[1, 2]", "list(int)"),
        ("[1, 'a']", "list(dyn)"),
        ("{'a': [1u]}", "map(string, list(uint))"),
        ("names.map(n, size(n))", "list(int)"),
        ("names[0]", "string"),
        ("body.a.b", "dyn"),
        ("names.filter(n, n != '')", "list(string)"),
        ("{'a': 1}.?a", "optional_type(int)"),
        ("{'a': 1}.?a.orValue(2)", "int"),
        ("optional.of('x').optMap(x, size(x))", "optional_type(int)"),
        ("[3, 1].sortBy(x, -x)", "list(int)"),
        ("{'a': 1}.transformMap(k, v, string(v))", "map(string, string)"),
        ("timestamp(0) - timestamp(1)", "duration"),
        ("'a,b'.split(',').join()", "string"),
        ("true ? 1 : 2", "int"),
        ("cel.bind(x, [1], x + x)", "list(int)"),
    ],
)
def test_type(text, deduced):
    assert type_of(text, SCOPE, {"names": "list(string)"}) == deduced


@pytest.mark.parametrize(
    "text", ["1 + 'a'", "1 == 'a'", "names[0] + 1", "[1][0].x", "nope", "f(1)", "size(1)", "1 && true"]
)
def test_no_type(text):
    with pytest.raises(ExprError):
        type_of(text, SCOPE, {"names": "list(string)"})
