"""The names an expression may use."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, Self

from octo.expr.function import Function

_EMPTY: Mapping[str, Any] = MappingProxyType({})


class Renderer(Protocol):
    """Templates as an expression sees them (`octo.expr.templates`)."""

    def rendered(self, name: str, names: tuple[str, ...], outer: "Scope", in_markup: bool) -> Callable[..., Any]: ...
    def choosing(self, names: tuple[str, ...], outer: "Scope", in_markup: bool) -> Callable[..., Any]: ...


class Scope:
    """The names an expression may use, and how the generated function reads them. A scope never changes.

    Two scopes are equal only if they are one object, because programs are cached per scope. So a scope that is made
    again for each configuration is kept (`octo.core.expressions.Build`).

    parameters: the parameters of the generated Python function, e.g. `("message",)`.
    variables: CEL name to the Python source that reads it, e.g. `{"body": "message.body"}`. The source is trusted: it
        is our code.
    constants: CEL name to a JSON value known when the expression is built.
    globals: what the sources in `variables` may use besides the parameters, e.g. `{"now": clock}`.
    functions: CEL functions besides the standard library.
    strict: whether int, uint and double are never promoted to one another.
    container: CEL's name space: in container `a.b`, the name `x` means `a.b.x` if that exists, else `a.x`, else `x`.
    checked: False is CEL's parse-only mode: an undeclared name or a type that does not fit fails only when reached.
    templates: what `templateResource` may render; None if there are none here.
    markup: whether what it renders becomes a part of markup.
    """

    # A plain class: importing `dataclasses` would take a fifth of the time that importing all of CEL takes.
    __slots__ = (
        "checked",
        "constants",
        "container",
        "functions",
        "globals",
        "markup",
        "parameters",
        "strict",
        "templates",
        "variables",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - a scope is its parts
        self,
        parameters: tuple[str, ...],
        variables: Mapping[str, str] = _EMPTY,
        constants: Mapping[str, object] = _EMPTY,
        globals: Mapping[str, object] = _EMPTY,  # noqa: A002 - as in exec()
        functions: tuple[Function, ...] = (),
        strict: bool = False,
        container: str = "",
        checked: bool = True,
        templates: "Renderer | None" = None,
        markup: bool = False,
    ) -> None:
        self.parameters = parameters
        self.variables = variables
        self.constants = constants
        self.globals = globals
        self.functions = functions
        self.strict = strict
        self.container = container
        self.checked = checked
        self.templates = templates
        self.markup = markup

    def having(self, constants: Mapping[str, object]) -> Self:
        """The same scope with other constants."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return type(self)(**(fields | {"constants": constants}))
