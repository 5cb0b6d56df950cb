"""The names of a scope, prepared once."""

from octo.expr import Scope, function
from octo.expr.environment import environment, is_path


@function("shout(string) -> string", "string.shout() -> string")
def shout(text):
    """The text in capitals."""
    return text.upper()


SCOPE = Scope(("m",), {"a.b.x": "m.x", "x": "m.y"}, {"env": {}}, functions=(shout,), container="a.b")


def test_names_are_searched_from_the_inside_of_the_container_out():
    known = environment(SCOPE)
    assert known.resolve("x", absolute=False) == "a.b.x"
    assert known.resolve("x", absolute=True) == "x"
    assert known.resolve("env", absolute=False) == "env"
    assert known.resolve("int", absolute=False) == "int"
    assert known.resolve("nope", absolute=False) is None


def test_only_the_roots_of_dotted_names_can_qualify():
    plain = environment(Scope(("m",), {"body": "m"}))
    assert plain.may_qualify("google")
    assert not plain.may_qualify("body")


def test_functions_are_found_by_name_and_by_how_they_are_called():
    known = environment(SCOPE)
    assert [overload.text for overload, _ in known.candidates("shout", member=True)] == ["string.shout() -> string"]
    assert known.candidates("upperAscii", member=False) == []
    assert "shout" in known.own


def test_each_use_of_a_variable_is_a_tree_of_its_own():
    known = environment(SCOPE)
    one, other = known.source("x"), known.source("x")
    assert one is not other
    assert is_path(one)


def test_an_environment_is_made_once_per_scope():
    assert environment(SCOPE) is environment(SCOPE)
