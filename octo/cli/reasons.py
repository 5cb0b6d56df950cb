"""Print how an expression gets its value, for `octo why` and `octo eval --why`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from octo import expr
from octo.cli import exits
from octo.cli.terminal import say
from octo.expr import ExprError, Scope


def tell(text: str, scope: Scope, arguments: list[Any], conceal: Callable[[str], str] | None = None) -> int:
    """Print how the expression gets its value. Return the exit code."""
    try:
        tree = expr.why(text, scope, *arguments)
    except ExprError as error:
        say(f"{error.code}: {error}", fg="red", err=True)
        return exits.FAILED
    for line in tree.render(conceal).splitlines():
        say(line, bold="◀" in line, fg="red" if "  ✗" in line else None, dim=line.endswith("not evaluated"))
    return exits.DONE if tree.state == "value" else exits.FAILED
