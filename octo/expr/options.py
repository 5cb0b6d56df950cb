"""The options of a function: a map such as `{"header": false}`, checked against those that the function knows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from octo.expr.errors import INVALID_ARGUMENT, ExprError, quoted
from octo.expr.nearest import nearest
from octo.expr.values import a as article, kind_of


class Option(NamedTuple):
    """The kinds that a value may have, and the value if there is none."""

    kinds: tuple[str, ...]
    default: Any


def options(function: str, given: Mapping[Any, Any], known: Mapping[str, Option]) -> dict[str, Any]:
    """The value of every option. Raises ExprError for a name or a kind that the function does not know."""
    found = {name: option.default for name, option in known.items()}
    for name, value in given.items():
        option = known.get(name)
        if option is None:
            raise ExprError(INVALID_ARGUMENT, f"{function} has no option {_shown(name)}", hint=_hint(name, known))
        kind = kind_of(value)
        if kind not in option.kinds:
            wanted = " or ".join(map(article, option.kinds))
            raise ExprError(INVALID_ARGUMENT, f"the option {name} of {function} is {wanted}, found {article(kind)}")
        found[name] = value
    return found


def texts(function: str, name: str, values: list[Any]) -> list[str]:
    """The elements of a list that may hold only strings."""
    for value in values:
        if not isinstance(value, str):
            found = article(kind_of(value))
            raise ExprError(INVALID_ARGUMENT, f"{name} of {function} must hold strings only, found {found}")
    return values


def _shown(name: Any) -> str:
    return quoted(name) if isinstance(name, str) else article(kind_of(name))


def _hint(name: Any, known: Mapping[str, Option]) -> str:
    guess = nearest(name, known) if isinstance(name, str) else None
    return f"Did you mean '{guess}'?" if guess else f"Options are {', '.join(known)}"
