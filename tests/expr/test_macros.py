"""Macros become nodes of their own. The error for a misused one says how to write it."""

import pytest

from octo.expr import ExprError, Scope, compile  # noqa: A004 - the name of the API
from octo.expr.macros import MACROS, USAGE
from octo.expr.nodes import Bind, Call, Has, Loop, Name, OptionalMap
from octo.expr.parser import parse


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("has(a.b)", Has),
        ("a.all(i, i)", Loop),
        ("a.exists(i, j, i)", Loop),
        ("a.transformMap(k, v, v)", Loop),
        ("a.sortBy(i, i)", Loop),
        ("a.groupBy(i, i)", Loop),
        ("cel.bind(x, 1, x)", Bind),
        ("a.optMap(x, x)", OptionalMap),
        ("a.optFlatMap(x, x)", OptionalMap),
        ("all(i, i)", Call),
        ("a.has(b)", Call),
        ("a.bind(x, 1, x)", Call),
    ],
)
def test_a_macro_is_told_from_a_function_by_how_it_is_called(text, kind):
    assert type(parse(text)) is kind


def test_filter_is_a_map_with_a_condition():
    node = parse("a.filter(i, i > 1)")
    assert (node.kind, node.macro, node.first, node.second) == ("map", "filter", "i", None)
    assert isinstance(node.body, Name)


def test_map_may_have_a_condition_of_its_own():
    node = parse("a.map(i, i > 1, i * 2)")
    assert node.condition is not None


@pytest.mark.parametrize(
    "text",
    [
        *("has(a)", "has(a.?b)", "has(a.b, c)", "a.all(i)", "a.exists_one(i, j, k, l)", "a.map(1, 2)"),
        *("a.map(i.j, 2)", "a.filter(.i, true)", "cel.bind(x, 1)", "a.optMap(x)", "a.sortBy(i, j, i)", "a.groupBy(i)"),
    ],
)
def test_a_macro_used_wrongly_shows_its_form(text):
    with pytest.raises(ExprError) as caught:
        parse(text)
    assert caught.value.code == "OCTO-E108"
    assert caught.value.hint.removeprefix("Write ") in USAGE.values()


def test_two_variables_need_two_names():
    with pytest.raises(ExprError, match="both variables of all are called 'i'"):
        parse("a.all(i, i, true)")


@pytest.mark.parametrize("name", MACROS)
def test_a_macro_has_a_sentence_and_examples_that_are_true(name):
    macro = MACROS[name]

    assert macro.doc.endswith(".")
    assert [compile(each, Scope(()))() for each in macro.examples] == [True] * max(1, len(macro.examples))
    assert all(f"{name}(" in each for each in macro.examples)
