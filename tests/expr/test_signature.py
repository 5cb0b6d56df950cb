"""Signatures are read from their text."""

import pytest

from octo.expr import ExprError
from octo.expr.signature import name_of, parse_signature, parse_type


@pytest.mark.parametrize(
    ("text", "name", "is_member", "parameters", "result"),
    [
        ("size(string) -> int", "size", False, ["string"], "int"),
        ("string.charAt(int) -> string", "charAt", True, ["string", "int"], "string"),
        ("math.abs(int) -> int", "math.abs", False, ["int"], "int"),
        ("list(T).map(string, T) -> map(string, T)", "map", True, ["list(T)", "string", "T"], "map(string, T)"),
        ("optional.of(T) -> optional_type(T)", "optional.of", False, ["T"], "optional_type(T)"),
        ("optional(T).value() -> T", "value", True, ["optional_type(T)"], "T"),
        ("net.IP.family() -> int", "family", True, ["net.IP"], "int"),
    ],
)
def test_a_signature_has_a_name_parameters_and_a_result(text, name, is_member, parameters, result):
    overload = parse_signature(text)
    assert (overload.name, overload.member) == (name, is_member)
    assert ([str(each) for each in overload.parameters], str(overload.result)) == (parameters, result)
    assert name_of(text) == name


def test_dots_let_the_last_parameter_repeat():
    overload = parse_signature("math.least(int, dyn...) -> dyn")
    assert [overload.takes(count) for count in (1, 2, 5)] == [False, True, True]
    assert overload.accepts(["int", "string", "bool"])
    assert not overload.accepts(["string", "string"])


def test_a_type_parameter_takes_everything():
    assert parse_type("T").kind == "dyn"
    assert parse_signature("f(T) -> T").accepts(["map"])


@pytest.mark.parametrize("text", ["", "f", "f(int)", "f int -> int", "f(int -> int"])
def test_what_is_no_signature_is_refused(text):
    with pytest.raises(ExprError, match="is not a signature"):
        parse_signature(text)
