"""Values of flows as an author's functions see them, and what these return as values of flows."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from octo.expr import settle
from octo.expr.values import Duration, Exact, Timestamp


def copied(value: Any) -> Any:
    """Return a copy of a value, which the function may change. Times become text, as in JSON."""
    if value.__class__ in (Timestamp, Duration):
        return str(value)
    if isinstance(value, dict):  # one with large content too, whose `rawData` is read here
        return {key: copied(each) for key, each in value.items()}
    if value.__class__ is list:
        return [copied(each) for each in value]
    return value


def plain(result: object) -> object:
    """Return the result as a value of a flow: dataclasses and models as maps, sets as lists, times as texts.

    A timedelta comes out as the interval of a database does. What has no exact form fails; nothing is invented.
    Raises ValueError, OverflowError, RecursionError, `ExprError` or pydantic's own error for what is no value.
    """
    return settle(_settled(_ANYTHING.dump_python(result)))


_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
_KEPT = frozenset((str, bytes, bool, Exact, Timestamp, Duration))


def _settled(value: Any) -> Any:
    if value.__class__ in _KEPT:
        return value
    if isinstance(value, dict):
        return _map(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_settled(each) for each in value]
    for cls, convert in _CONVERTED.items():
        if isinstance(value, cls):
            return convert(value)
    return to_jsonable_python(value)


def _map(value: dict[Any, Any]) -> dict[str, Any]:
    names = [key if key.__class__ is str else next(iter(to_jsonable_python({key: None}))) for key in value]
    if len(set(names)) < len(names):
        raise ValueError("two keys of a dict are the same text")
    return {name: _settled(each) for name, each in zip(names, value.values(), strict=True)}


def _whole(value: int) -> int:
    if abs(value) >= _TOO_LONG:
        raise ValueError("an integer has more than 4300 digits")
    return int(value)


def _finite(value: float) -> object:
    """The number as Python's own class: numpy and others derive theirs from it."""
    if not math.isfinite(value):
        raise ValueError(f"{float(value)} has no JSON form")
    return float(value)


def _decimal(value: Decimal) -> object:
    if not value.is_finite():
        raise ValueError(f"{value} has no JSON form")
    return to_jsonable_python(value)


def _moment(value: datetime) -> str:
    offset = value.utcoffset()
    if offset is None:
        raise ValueError("a datetime needs a time zone, e.g. `datetime.now(UTC)`")
    if offset % timedelta(minutes=1):  # as local times before 1900: RFC 3339 has no seconds there
        value = value.astimezone(UTC)
    return value.isoformat().replace("+00:00", "Z")


def _span(value: timedelta) -> str:
    return str(Duration(value // timedelta(microseconds=1) * 1000))


_TOO_LONG = 10**4300
"""The first integer that Python does not write as a text."""
_CONVERTED: dict[type, Callable[[Any], object]] = {
    str: str.__str__,
    bytes: bytes,
    int: _whole,
    float: _finite,
    bytearray: bytes,
    memoryview: bytes,
    Decimal: _decimal,
    datetime: _moment,
    timedelta: _span,
}
"""How values become plain ones, by their class or one that it is derived from."""
