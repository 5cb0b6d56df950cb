"""Options of functions: an unknown name or a wrong kind is an error that says what is right."""

import pytest

from octo.expr import ExprError
from octo.expr.options import Option, options, texts

KNOWN = {"header": Option(("bool", "list"), True), "delimiter": Option(("string",), ",")}


def test_what_is_not_given_has_its_default():
    assert options("f", {}, KNOWN) == {"header": True, "delimiter": ","}
    assert options("f", {"header": ["a"]}, KNOWN) == {"header": ["a"], "delimiter": ","}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"delimitter": ";"}, "f has no option 'delimitter'. Did you mean 'delimiter'?"),
        ({"x": 1}, "f has no option 'x'. Options are header, delimiter"),
        ({1: 1}, "f has no option an int. Options are header, delimiter"),
        ({"header": "no"}, "the option header of f is a bool or a list, found a string"),
        ({"delimiter": None}, "the option delimiter of f is a string, found null"),
    ],
)
def test_a_wrong_option_is_refused(given, message):
    with pytest.raises(ExprError) as caught:
        options("f", given, KNOWN)
    assert str(caught.value) == message
    assert caught.value.code == "OCTO-E209"


def test_a_list_of_names_holds_strings():
    assert texts("f", "lists", ["a"]) == ["a"]
    with pytest.raises(ExprError, match="lists of f must hold strings only, found an int"):
        texts("f", "lists", ["a", 1])
