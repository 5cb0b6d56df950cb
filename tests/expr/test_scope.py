"""A scope has the names that an expression may use, and is equal only to itself."""

from octo.expr import Scope, compile  # noqa: A004 - the name of the API

SCOPE = Scope(("m",), {"body": "m"}, {"env": {"A": "1"}}, strict=True)


def test_a_scope_with_other_constants_is_another_scope():
    other = SCOPE.having({"env": {"A": "2"}})
    assert (other.parameters, other.variables, other.strict) == (SCOPE.parameters, SCOPE.variables, True)
    assert [compile("env.A + body", scope)("x") for scope in (SCOPE, other)] == ["1x", "2x"]


def test_two_scopes_are_never_the_same():
    assert Scope(()) != Scope(())
