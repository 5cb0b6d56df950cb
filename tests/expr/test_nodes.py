"""Nodes know their place, their depth and their parts."""

import pytest

from octo.expr.nodes import called, children
from octo.expr.parser import parse


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.b.c", ["a.b"]),
        ("a[b]", ["a", "b"]),
        ("f(a, b)", ["a", "b"]),
        ("a.f(b)", ["a", "b"]),
        ("!a", ["a"]),
        ("a + b + c", ["a + b", "c"]),
        ("a && b && c", ["a", "b", "c"]),
        ("a ? b : c", ["a", "b", "c"]),
        ("[a, ?b]", ["a", "b"]),
        ("{a: b, ?c: d}", ["a", "b", "c", "d"]),
        ("has(a.b)", ["a.b"]),
        ("a.map(i, b, c)", ["a", "b", "c"]),
        ("cel.bind(x, a, b)", ["a", "b"]),
        ("a.optMap(x, b)", ["a", "b"]),
        ("a", []),
        ("1", []),
    ],
)
def test_the_parts_of_a_node_stand_in_the_order_of_the_text(text, parts):
    assert [text[each.start : each.end] for each in children(parse(text))] == parts


def test_a_chain_is_one_level_deep_however_long():
    assert parse(" + ".join("a" * 100)).depth == parse("a + a").depth
    assert parse("a" + ".a" * 50).depth == 51


def test_the_functions_that_an_expression_may_mean_to_call():
    assert sorted(called(parse("f(a.g(b), c.d.h())"))) == ["a.g", "c.d.h", "f", "g", "h"]
