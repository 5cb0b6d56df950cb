"""Values out of a database as a flow holds them, without loss: what has no exact form there becomes text.

Times are texts, as they always were: a column without a time zone, a date or `infinity` is no `timestamp` of CEL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from octo.core import codec
from octo.expr.values import Exact

_MOST_DIGITS = 4300
"""Of a whole number: Python and JSON readers take no more."""


def to_value(value: Any) -> object:
    """The value of what a driver answered."""
    convert = _BY_TYPE.get(value.__class__)
    return convert(value) if convert else _by_ancestry(value)


def _same(value: Any) -> object:
    return value


def _float(value: float) -> object:
    return value if math.isfinite(value) else str(Decimal(value))


def _decimal(value: Decimal) -> object:
    """A whole number as an int, another as a decimal with its digits."""
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value():
        return int(value) if value.adjusted() < _MOST_DIGITS else format(value, "f")
    return codec.decimal(format(value, "f"))


def _datetime(value: datetime) -> str:
    """RFC 3339. A timestamp without time zone counts as UTC, so that CEL's `timestamp()` can read it."""
    text = value.isoformat()
    if value.tzinfo is None:
        return f"{text}Z"
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def _iso(value: date | time) -> str:
    return value.isoformat()


def _interval(value: timedelta) -> str:
    """Seconds as CEL's `duration()` reads and prints them."""
    microseconds = value // timedelta(microseconds=1)
    seconds = Decimal(microseconds).scaleb(-6)
    return f"{format(seconds.normalize(), 'f')}s"


def _list(value: list[Any] | tuple[Any, ...]) -> list[object]:
    return [to_value(each) for each in value]


def _map(value: Mapping[Any, Any]) -> dict[str, object]:
    return {str(key): to_value(each) for key, each in value.items()}


def _range(value: Any) -> str:
    """PostgreSQL's own notation, `[1,5)`, which a cast from text reads back."""
    if value.isempty:
        return "empty"
    lower, upper = ("" if each is None else str(to_value(each)) for each in (value.lower, value.upper))
    return f"{'[' if value.lower_inc else '('}{lower},{upper}{']' if value.upper_inc else ')'}"


_BY_TYPE: dict[type, Any] = {
    type(None): _same,
    bool: _same,
    str: _same,
    int: _same,
    float: _float,
    Exact: _same,
    Decimal: _decimal,
    bytes: _same,
    bytearray: bytes,
    memoryview: bytes,
    datetime: _datetime,
    date: _iso,
    time: _iso,
    timedelta: _interval,
    list: _list,
    tuple: _list,
    dict: _map,
}


def _by_ancestry(value: Any) -> object:
    """Types of drivers: subclasses of the above, mappings, and what has only a text form (uuid, inet)."""
    if isinstance(value, Mapping) or (hasattr(value, "items") and hasattr(value, "keys")):
        return _map(dict(value.items()))
    if hasattr(value, "lower_inc"):
        return _range(value)
    for ancestor in value.__class__.__mro__:
        if ancestor in _BY_TYPE:
            return _BY_TYPE[ancestor](value)
    return str(value)
