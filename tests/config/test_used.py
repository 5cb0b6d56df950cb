"""Which variables are used, and how."""

from __future__ import annotations

from octo.config.env import Declaration, Environment
from octo.config.report import Report
from octo.config.used import Variable, texts_of, uses, variables
from octo.config.yaml import read
from octo.core.errors import Position

AT = Position("flow.yaml")


def environment(*declared: Declaration) -> Environment:
    return Environment({each.name: each for each in declared}, {})


def test_texts_are_those_in_which_variables_count():
    """`env:` and `resources:` are read before variables have values."""
    file = read(b"env: [a]\nresources: {env: [b]}\nflows: [{c: d, e: [f, 1]}]\n", "flow.yaml", Report())
    assert file is not None

    assert [*texts_of([file])] == ["d", "f"]


def test_uses():
    found = uses(['${A} ${A:-b} $${C} env.D + env["E"] + x.env.F', "a.env.G"])

    assert (found.inline, found.read) == ({"A": [None, "b"]}, {"D", "E"})


def of(name: str, text: str, *declared: Declaration) -> Variable:
    return next(each for each in variables(environment(*declared), uses([text]), frozenset()) if each.name == name)


def test_a_variable_is_required_where_nothing_else_gives_a_value():
    assert of("A", "${A}", Declaration("A", None, False, AT)).required
    assert of("A", "", Declaration("A", "a", True, AT)).required
    assert not of("A", "${A}", Declaration("A", "a", False, AT)).required
    assert not of("A", "${A:-a}", Declaration("A", None, False, AT)).required
    assert not of("A", "has(env.A)", Declaration("A", None, False, AT)).required


def test_the_default_is_the_declared_one_or_the_only_one():
    assert of("A", "${A:-b}", Declaration("A", "a", False, AT)).default == "a"
    assert of("A", "${A:-b} ${A:-b}", Declaration("A", None, False, AT)).default == "b"
    assert of("A", "${A:-b} ${A:-c}", Declaration("A", None, False, AT)).default is None


def test_the_default_of_a_secret_is_not_told():
    assert of("A", "", Declaration("A", "a", False, AT, secret=True)).default is None
    assert of("API_TOKEN", "${API_TOKEN:-a}").default is None


def test_what_is_used_without_a_declaration_is_in_it():
    """It is a problem, and whoever reads the facts sees of what."""
    assert of("A", "${A}") == Variable("A", None, required=True, secret=False, used=True, given=False)
