"""Every function of the library is documented, and every example is true."""

import pytest

from octo.expr import ExprError, Scope, compile, function, library  # noqa: A004 - the name of the API

SCOPE = Scope(())
EXAMPLES = [(each.name, example) for each in library() for example in each.examples]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_the_example_is_true(name, example):
    assert compile(example, SCOPE)() is True


@pytest.mark.parametrize("each", library(), ids=lambda each: f"{each.family}:{each.name}")
def test_a_function_has_a_sentence_an_example_and_signatures(each):
    assert each.doc.endswith(".")
    assert each.examples
    assert all(overload.name == each.name for overload in each.overloads)


@pytest.mark.parametrize(
    "name",
    [
        "toJson",
        "fromJson",
        "toFormData",
        "fromFormData",
        "multipart",
        "addPart",
        "toMultipart",
        "fromMultipart",
        "toYaml",
        "fromYaml",
        "toEnv",
        "fromEnv",
        "hmacSha256",
        "hmacSha1",
        "hexEncode",
        "secureCompare",
        "uuid",
        "toAes",
        "fromAes",
        "toChacha",
        "fromChacha",
    ],
)
def test_the_functions_of_octo_exist(name):
    assert name in {each.name for each in library()}


@function("shout(string) -> string", "string.shout() -> string")
def shout(text):
    """The text in capitals with an exclamation mark."""
    return text.upper() + "!"


@function("broken(dyn) -> dyn")
def broken(value):
    """Always fails."""
    raise ZeroDivisionError("oops")


THIRD_PARTY = Scope(("body",), {"body": "body"}, functions=(shout, broken))


def test_a_third_party_function_is_called_both_ways():
    assert compile('shout("a") + "b".shout()', THIRD_PARTY)(None) == "A!B!"


def test_a_third_party_function_gets_checked_arguments():
    with pytest.raises(ExprError, match=r"no such overload: shout\(int\)") as caught:
        compile("shout(body)", THIRD_PARTY)(1)
    assert caught.value.code == "OCTO-E202"


def test_an_exception_of_a_third_party_function_becomes_an_expression_error():
    with pytest.raises(ExprError, match="oops") as caught:
        compile("1 == 1 && broken(1)", THIRD_PARTY)(None)
    assert (caught.value.code, caught.value.column) == ("OCTO-E211", 11)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_one_scope_does_not_see_the_functions_of_another():
    with pytest.raises(ExprError, match="undeclared function 'shout'"):
        compile('shout("a")', SCOPE)
