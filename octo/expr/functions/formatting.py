"""string.format: `"%s has %d".format(["a", 1])`."""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import Any

from octo.expr.cost import Cost
from octo.expr.errors import BUDGET, INVALID_ARGUMENT, OUT_OF_BOUNDS, ExprError
from octo.expr.function import function
from octo.expr.functions.conversions import show_double
from octo.expr.limits import MAX_SIZE, MAX_VISITS, check_size, exhausted
from octo.expr.values import Optional, Type, a as article, kind_of

_CLAUSE = re.compile(r"%(?:(%)|(?:\.(\d{1,6}))?([a-zA-Z])|)", re.ASCII)
MAX_PRECISION = 1000
_CLAUSE_COST = 32
_CLAUSE_VISITS = 8
_SHORT = 1000
"""Templates of at most so many characters are kept: most are written in the expression."""


def _clauses_cost(template: object, values: object) -> int:
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
    cost=Cost(base=16, reads=2, more=_clauses_cost),
)
def format_(template: str, values: list[Any]) -> str:
    """The template with each %s, %d, %f, %e, %b, %o, %x and %X replaced by a value of the list."""
    clauses, rest = (_known if len(template) <= _SHORT else _clauses)(template)
    fuel = [MAX_VISITS - _CLAUSE_VISITS * len(clauses)]
    if fuel[0] < 0:
        exhausted()
    pieces: list[str] = []
    used, size = 0, len(template)
    for before, letter, precision in clauses:
        pieces.append(before)
        if letter is None:
            continue
        if used >= len(values):
            raise ExprError(OUT_OF_BOUNDS, f"format has more clauses than values: there are {len(values)} values")
        value = values[used]
        plain = letter == "s" and value.__class__ is str and precision is None
        pieces.append(value if plain else _formatted(letter, precision, value, fuel))
        used += 1
        size += len(pieces[-1])
        if size > MAX_SIZE:
            check_size(size)
    pieces.append(rest)
    return "".join(pieces)


Clause = tuple[str, str | None, str | None]
"""The text before a clause, its letter (none for a percent sign, which then ends the text) and its precision."""


def _clauses(template: str) -> tuple[list[Clause], str]:
    """The clauses of a template, and the text after them."""
    clauses: list[Clause] = []
    last = 0
    for clause in _CLAUSE.finditer(template):
        before = template[last : clause.start()]
        last = clause.end()
        clauses.append((f"{before}%", None, None) if clause[1] else (before, clause[3] or "", clause[2]))
    return clauses, template[last:]


_known = lru_cache(maxsize=256)(_clauses)


def _formatted(letter: str, precision: str | None, value: Any, fuel: list[int]) -> str:
    formatter = _FORMATTERS.get(letter)
    if formatter is None and letter != "s":
        raise ExprError(INVALID_ARGUMENT, f"unknown clause '%{letter}' in a format")
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
