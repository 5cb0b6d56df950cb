"""string.format: `"%s has %d".format(["a", 1])`."""

import math
import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from octo.expr.cost import Cost
from octo.expr.errors import BUDGET, INVALID_ARGUMENT, OUT_OF_BOUNDS, ExprError
from octo.expr.function import function
from octo.expr.functions.conversions import show_double
from octo.expr.limits import MAX_VISITS, check_size, exhausted
from octo.expr.values import Optional, Type, a as article, kind_of

_CLAUSE = re.compile(r"%(?:(%)|(?:\.(\d{1,6}))?([a-zA-Z])|)", re.ASCII)
MAX_PRECISION = 1000
_CLAUSE_COST = 32
_CLAUSE_VISITS = 8


def _clauses(template: object, values: object) -> int:
    del values
    return _CLAUSE_COST * template.count("%") if isinstance(template, str) else 0


@function(
    "string.format(list) -> string",
    family="strings",
    examples=[
        '"%s has %d items".format(["Ann", 2]) == "Ann has 2 items"',
        '"%.2f".format([2.5]) == "2.50"',
        '"%x".format([255]) == "ff"',
    ],
    cost=Cost(base=16, reads=2, more=_clauses),
)
def format_(template: str, values: list[Any]) -> str:
    """The template with each %s, %d, %f, %e, %b, %o, %x and %X replaced by a value of the list."""
    pieces: list[str] = []
    fuel = [MAX_VISITS]
    last = used = size = 0
    for clause in _CLAUSE.finditer(template):
        pieces.append(template[last : clause.start()])
        last = clause.end()
        fuel[0] -= _CLAUSE_VISITS
        if fuel[0] < 0:
            exhausted()
        if clause[1]:
            pieces.append("%")
            continue
        if used >= len(values):
            raise ExprError(OUT_OF_BOUNDS, f"format has more clauses than values: there are {len(values)} values")
        pieces.append(_formatted(clause[3], clause[2], values[used], fuel))
        used += 1
        size += len(pieces[-1])
        check_size(size + len(template))
    pieces.append(template[last:])
    return "".join(pieces)


def _formatted(letter: str | None, precision: str | None, value: Any, fuel: list[int]) -> str:
    formatter = _FORMATTERS.get(letter or "")
    if formatter is None and letter != "s":
        raise ExprError(INVALID_ARGUMENT, f"unknown clause '%{letter or ''}' in a format")
    if precision is not None and int(precision) > MAX_PRECISION:
        raise ExprError(INVALID_ARGUMENT, f"a precision of {precision} is too large (at most {MAX_PRECISION})")
    if formatter is None:
        return _text(value, fuel)
    return formatter(value, 6 if precision is None else int(precision))


def _refuse(letter: str, wanted: str, value: Any) -> ExprError:
    return ExprError(INVALID_ARGUMENT, f"%{letter} formats {wanted}, not {article(kind_of(value))}")


def _special(value: float) -> str | None:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return None


def _text(value: Any, fuel: list[int]) -> str:
    pieces: list[str] = []
    _write(value, pieces, fuel)
    return "".join(pieces)


def _write(value: Any, pieces: list[str], fuel: list[int]) -> None:
    fuel[0] -= 1
    if fuel[0] < 0:
        exhausted()
    if isinstance(value, dict):
        _write_map(value, pieces, fuel)
    elif isinstance(value, list):
        pieces.append("[")
        for position, item in enumerate(value):
            pieces.append(", " if position else "")
            _write(item, pieces, fuel)
        pieces.append("]")
    else:
        pieces.append(_scalar(value))


def _write_map(value: dict[Any, Any], pieces: list[str], fuel: list[int]) -> None:
    pieces.append("{")
    entries = sorted(((_scalar(key), item) for key, item in value.items()), key=itemgetter(0))
    for position, (key, item) in enumerate(entries):
        pieces.append(f"{', ' if position else ''}{key}: ")
        _write(item, pieces, fuel)
    pieces.append("}")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _special(value) or show_double(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Optional):
        raise _refuse("s", "no optionals", value)
    return value.name if isinstance(value, Type) else str(value)


def _decimal(value: Any, precision: int) -> str:
    del precision
    kind = kind_of(value)
    if kind in {"int", "uint"}:
        return str(int(value))
    if kind == "double":
        special = _special(value)
        return special if special is not None else _digits(value)
    raise _refuse("d", "numbers", value)


def _digits(value: float) -> str:
    """The shortest digits of a double, written without an exponent."""
    from decimal import Decimal, InvalidOperation

    try:
        number = Decimal(repr(value))
    except InvalidOperation:  # an exponent of more than 18 digits
        raise ExprError(BUDGET, "a number with such an exponent is too long without one") from None
    # A number of a message may be 1e-999999999: few characters, but a gigabyte of zeros.
    check_size(abs(number.adjusted()))
    return f"{number:f}".removesuffix(".0")


def _number(letter: str) -> Callable[[Any, int], str]:
    def formatted(value: Any, precision: int) -> str:
        if kind_of(value) not in {"int", "uint", "double"}:
            raise _refuse(letter, "numbers", value)
        number = float(value)
        special = _special(number)
        return special if special is not None else f"{number:.{precision}{letter}}"

    return formatted


def _binary(value: Any, precision: int) -> str:
    del precision
    if kind_of(value) not in {"int", "uint", "bool"}:
        raise _refuse("b", "ints and bools", value)
    return f"{int(value):b}"


def _octal(value: Any, precision: int) -> str:
    del precision
    if kind_of(value) not in {"int", "uint"}:
        raise _refuse("o", "ints", value)
    return f"{int(value):o}"


def _hex(value: Any, precision: int) -> str:
    del precision
    kind = kind_of(value)
    if kind in {"int", "uint"}:
        return f"{int(value):x}"
    if kind == "string":
        return str(value.encode(errors="replace").hex())
    if kind == "bytes":
        return str(value.hex())
    raise _refuse("x", "ints, strings and bytes", value)


_FORMATTERS: dict[str, Callable[[Any, int], str]] = {
    "d": _decimal,
    "f": _number("f"),
    "e": _number("e"),
    "b": _binary,
    "o": _octal,
    "x": _hex,
    "X": lambda value, precision: _hex(value, precision).upper(),
}
