"""Names that a place of use lacks."""

import pytest

from octo import expr
from octo.expr.environment import environment
from octo.expr.generate import generate
from octo.expr.lacking import filled
from octo.expr.parser import parse
from octo.expr.program import link
from octo.expr.scope import Scope

SCOPE = Scope(("body",), {"body": "body"})


def run(text: str, body=None):
    known = environment(SCOPE)
    tree, lacking = filled(parse(text), known.known, known.functions)
    return link(text, SCOPE, generate(text, tree, known))(body), lacking


@pytest.mark.parametrize(
    ("text", "value", "lacking"),
    [
        ("body", 1, set()),
        ("item", None, {"item"}),
        ("item.name.first", None, {"item"}),
        ('item["name"][0]', None, {"item"}),
        ("has(item.name)", False, {"item"}),
        ('has(item.name) ? item.name : "none"', "none", {"item"}),
        ('item.?name.orValue("x")', "x", {"item"}),
        ("item == null", True, {"item"}),
        ("[1].map(item, item)", [1], set()),
        ("[1].map(x, item)", [None], {"item"}),
        ('{"a": item, "b": [item]}', {"a": None, "b": [None]}, {"item"}),
        ("cel.bind(item, 2, item)", 2, set()),
        ("optional.of(1).optMap(item, item).value()", 1, set()),
        ("math.abs(-1)", 1, set()),
        ("int(1.0) == 1 && type(1) == int", True, set()),
        ("!(item == null) || -1 == -1", True, {"item"}),
        ("[[1], [2]].transformList(i, item, item[0] + i)", [1, 3], set()),
    ],
)
def test_they_read_null(text, value, lacking):
    """So does what is selected from them; loops and bindings have names of their own."""
    assert run(text, 1) == (value, lacking)


def test_what_null_cannot_do_fails_when_it_is_reached():
    """As null does anywhere."""
    with pytest.raises(expr.ExprError):
        run('"a" + item')
