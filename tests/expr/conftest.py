"""One scope for the tests of the expression engine, and short ways to use it."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from octo.expr import ExprError, Scope, compile  # noqa: A004 - the name of the API

sys.path.insert(0, str(Path(__file__).parent))

SCOPE = Scope(
    parameters=("message",),
    variables={"body": "message.body", "vars": "message.vars", "now": "clock()"},
    constants={"env": {"HOST": "localhost", "PORT": 8080}},
    globals={"clock": lambda: "2024-02-29T12:00:00Z"},
)


@pytest.fixture
def evaluate():
    """The value of an expression, given a body and perhaps variables."""

    def run(text, body=None, variables=None, scope=SCOPE):
        return compile(text, scope)(SimpleNamespace(body=body, vars=variables or {}))

    return run


@pytest.fixture
def failure(evaluate):
    """The error that an expression ends with."""

    def run(text, body=None, variables=None, scope=SCOPE):
        with pytest.raises(ExprError) as caught:
            evaluate(text, body, variables, scope)
        return caught.value

    return run


@pytest.fixture
def build():
    """The program of an expression."""
    return lambda text, scope=SCOPE: compile(text, scope)
