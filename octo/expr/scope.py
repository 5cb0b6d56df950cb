"""The names an expression may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from octo.expr.function import Function

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Scope:
    """The names an expression may use, and how the generated function reads them.

    Two scopes are the same only if they are one object: programs are cached per scope.
    """

    parameters: tuple[str, ...]
    """Parameters of the generated Python function, e.g. `("message",)`."""
    variables: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """CEL name to the Python source that reads it, e.g. `{"body": "message.body"}`. Trusted: it is code of ours."""
    constants: Mapping[str, object] = field(default_factory=lambda: _EMPTY)
    """CEL name to a JSON value known when the expression is built."""
    globals: Mapping[str, object] = field(default_factory=lambda: _EMPTY)
    """What the sources in `variables` may use besides the parameters, e.g. `{"now": clock}`."""
    functions: tuple[Function, ...] = ()
    """CEL functions beside the standard library."""
    strict: bool = False
    """No promotion between int, uint and double."""
    container: str = ""
    """CEL's name space: in container `a.b`, the name `x` may mean `a.b.x` or `a.x` before it means `x`."""
    checked: bool = True
    """False is CEL's parse-only mode: what is undeclared or does not fit fails where it is reached, not before."""
