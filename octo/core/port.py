"""Ports: protocols of services, which components ask for by annotation.

    @port("key-value")
    class KeyValue(Protocol): ...

    @block("remember")
    async def remember(settings: Remember, message: Message, store: KeyValue) -> Message: ...

A parameter of a block, a source, or a connector's `open` or `stub` asks for the service that its annotation names,
unless it is one of the usual parameters or has a default. The service is determined when the function is declared;
the engine passes it when a flow is built and when a connector is opened.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

P = TypeVar("P", bound=type)

NOTHING: Mapping[str, str] = {}


def port(name: str) -> Callable[[P], P]:
    """Mark a protocol as the interface of the service `name`."""

    def mark(cls: P) -> P:
        cls.__octo_port__ = name  # type: ignore[attr-defined]
        return cls

    return mark


def services_of(function: Callable[..., Any], behind: int = 0) -> Mapping[str, str]:
    """Return the services that a function asks for: parameter to the name of the service.

    behind: how many parameters after `settings` are no services. `site` and `tail` are none, wherever they stand.
    """
    parameters = list(inspect.signature(function).parameters.values())
    first = [each.name for each in parameters].index("settings") + 1 + behind
    asked = [each.name for each in parameters[first:] if _is_open(each) and each.name not in ("site", "tail")]
    return {name: _service(function, name) for name in asked} or NOTHING


def _is_open(parameter: inspect.Parameter) -> bool:
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and parameter.kind not in variadic


def _service(function: Callable[..., Any], parameter: str) -> str:
    asked = annotation(function, parameter)
    # Its own mark, not one that it inherits: a class that implements a port is not the port.
    name = vars(asked).get("__octo_port__") if isinstance(asked, type) else None
    if name is None:
        found = "has no annotation" if asked is None else f"is annotated with {_shown(asked)}, which is no service"
        raise TypeError(
            f"{function.__qualname__}: the parameter `{parameter}` {found}; annotate it with one, "
            "e.g. `octo.KeyValue`, or give it a default"
        )
    return str(name)


def _shown(annotation: object) -> str:
    return f"`{annotation.__qualname__}`" if isinstance(annotation, type) else f"`{annotation}`"


def annotation(function: Callable[..., Any], parameter: str) -> object:
    """Return the annotation of a parameter, evaluated if it is text; None if there is none.

    Only this one is evaluated: the others may name things that are imported for the type checker alone.
    """
    plain = inspect.unwrap(function)
    found = plain.__annotations__.get(parameter)
    if not isinstance(found, str):
        return found
    try:
        return eval(found, plain.__globals__)  # noqa: S307  the author's own code
    except NameError as error:
        raise TypeError(
            f"{function.__qualname__}: the annotation of `{parameter}` is `{found}`, and there is no `{error.name}` at "
            "run time; import it at the top of the module, not under `if TYPE_CHECKING:`"
        ) from None
