"""Convert values from a database to values of a flow, without loss: a value without an exact form becomes text.

Times are texts: a column without a time zone, a date or `infinity` cannot be a `timestamp` of CEL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv6Address
from typing import Any

from octo.connectors.database import ranges
from octo.connectors.database.moments import seconds
from octo.core import codec
from octo.expr.values import Exact

_MOST_DIGITS = 4300
"""JSON readers take no whole number with more digits than this, but take it with a fraction."""


def to_value(value: Any) -> object:
    """Return the value of a flow for a value that a driver returned."""
    convert = _BY_TYPE.get(value.__class__)
    return convert(value) if convert else _by_ancestry(value)


def _same(value: Any) -> object:
    return value


def _float(value: float) -> object:
    return value if math.isfinite(value) else str(Decimal(value))


def _decimal(value: Decimal) -> object:
    """Return a decimal with all its digits, also for a whole number: the kind depends on the column alone."""
    if not value.is_finite():
        return str(value)
    text = format(value, "f")
    whole, _, fraction = text.partition(".")
    if fraction.strip("0"):
        return codec.decimal(text)
    return codec.decimal(whole if len(whole) <= _MOST_DIGITS else f"{whole}.0")


def _datetime(value: datetime) -> str:
    """Return RFC 3339 text. A timestamp without time zone counts as UTC, so that CEL's `timestamp()` can read it."""
    text = value.isoformat()
    if value.tzinfo is None:
        return f"{text}Z"
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def _iso(value: date | time) -> str:
    return value.isoformat()


def _interval(value: timedelta) -> str:
    """Return seconds as CEL's `duration()` reads and prints them."""
    return seconds(value // timedelta(microseconds=1))


def _list(value: list[Any] | tuple[Any, ...]) -> list[object]:
    return [to_value(each) for each in value]


def _map(value: Mapping[Any, Any]) -> dict[str, object]:
    return {str(key): to_value(each) for key, each in value.items()}


def _address(value: IPv6Address) -> str:
    """Return an address as PostgreSQL writes it: one of IPv4 in IPv6 has its dots."""
    mapped, (_, slash, prefix) = value.ipv4_mapped, str(value).partition("/")
    return f"::ffff:{mapped}{slash}{prefix}" if mapped else str(value)


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
    IPv6Address: _address,
}


def _by_ancestry(value: Any) -> object:
    """Convert what drivers return: subclasses of the above, mappings, and types with only a text form (uuid, inet)."""
    if isinstance(value, Mapping) or (hasattr(value, "items") and hasattr(value, "keys")):
        return _map(dict(value.items()))
    if hasattr(value, "lower_inc"):
        return ranges.written(value, lambda bound: str(to_value(bound)))
    for ancestor in value.__class__.__mro__:
        if ancestor in _BY_TYPE:
            return _BY_TYPE[ancestor](value)
    return str(value)
