"""A decorated Python function is a CEL function, and a call finds the signature that fits."""

import pytest

from octo.expr import ExprError, function
from octo.expr.function import dispatcher


@function("f(int) -> string", "f(string) -> string", examples=["f(1) == 'int'"])
def one(value):
    """What it was
    given.
    """
    return type(value).__name__


@function("f(double) -> string")
def other(value):
    """The other."""
    return f"double {value!r}"


CANDIDATES = [(overload, each) for each in (one, other) for overload in each.overloads]


def test_the_docstring_is_the_documentation():
    assert (one.name, one.doc, one.examples, one.pure) == ("f", "What it was given.", ("f(1) == 'int'",), True)
    assert one(1) == "int"


def test_the_signature_that_fits_is_called():
    dispatch = dispatcher("f", CANDIDATES, strict=True)
    assert [dispatch(value) for value in (1, "a", 1.5, 2)] == ["int", "str", "double 1.5", "int"]


def test_an_int_is_a_fine_double_unless_strict():
    candidates = CANDIDATES[2:]
    assert dispatcher("f", candidates, strict=False)(1) == "double 1.0"
    with pytest.raises(ExprError, match=r"no such overload: f\(int\)"):
        dispatcher("f", candidates, strict=True)(1)


def test_what_fits_nothing_is_told_what_there_is():
    with pytest.raises(ExprError) as caught:
        dispatcher("f", CANDIDATES, strict=False)(None)
    assert caught.value.hint == "There is f(int) -> string, f(string) -> string, f(double) -> string"
