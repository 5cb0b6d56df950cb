"""CEL, the expression language of Octo: parsed, translated into Python once, and run as that."""

from octo.expr.errors import ERRORS, ErrorInfo, ExprError
from octo.expr.function import Function, function
from octo.expr.functions import library
from octo.expr.json import render, to_json
from octo.expr.nearest import nearest
from octo.expr.program import Program, compile  # noqa: A004 - the name of the API
from octo.expr.scope import Scope
from octo.expr.values import Timestamp

__all__ = [
    "ERRORS",
    "ErrorInfo",
    "ExprError",
    "Function",
    "Program",
    "Scope",
    "Timestamp",
    "compile",
    "function",
    "library",
    "nearest",
    "render",
    "to_json",
]
