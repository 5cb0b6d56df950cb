"""CEL, the expression language of Octo: an expression is parsed, translated into Python once, and run as Python."""

from typing import TYPE_CHECKING, Any

from octo.expr.errors import ERRORS, ErrorInfo, ExprError
from octo.expr.foreign import extra_functions
from octo.expr.function import Function, function
from octo.expr.functions import library
from octo.expr.nearest import nearest
from octo.expr.program import Program, compile  # noqa: A004 - the name of the API
from octo.expr.scope import Scope
from octo.expr.settle import render, settle, to_json
from octo.expr.values import Timestamp

if TYPE_CHECKING:
    from octo.expr.reasons import Why

__all__ = [
    "ERRORS",
    "ErrorInfo",
    "ExprError",
    "Function",
    "Program",
    "Scope",
    "Timestamp",
    "compile",
    "extra_functions",
    "function",
    "library",
    "nearest",
    "render",
    "settle",
    "to_json",
    "why",
]


def why(text: str, scope: Scope, *arguments: Any) -> "Why":
    """Evaluate `text` and return what each of its pieces came to; print the result to see it as a tree."""
    from octo.expr.reasons import explain

    return explain(text, scope, *arguments)
