"""Convert the values of a flow to the types of a statement's parameters in PostgreSQL.

asyncpg is strict: it refuses an int for a text column, a string for a timestamp, a whole double for a bigint. Authors
of flows expect what `psql` does. So the server's description of the parameters decides: a value with one obvious
meaning in the type is converted, any other fails and the error names the argument. Nothing is rounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from math import isinf
from typing import Any, Protocol

import asyncpg

from octo.connectors.database import moments, ranges
from octo.connectors.database.codecs import Parts
from octo.connectors.database.errors import bad_argument
from octo.connectors.database.ranges import SUBTYPES
from octo.core import codec
from octo.expr import ExprError
from octo.expr.values import Duration, Exact, Timestamp


class Parameter(Protocol):
    """A parameter as asyncpg describes it: its type's name (`int4`, `text[]`) and kind (`scalar`, `array`, `enum`)."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...


class Misfit(ValueError):
    """A value has no meaning in the type; the text says what is expected."""


def fit(parameters: Sequence[Parameter], args: Sequence[object]) -> list[object]:
    """Return the arguments as the types of the parameters. Raises `Permanent`, naming the one that does not fit."""
    if len(parameters) != len(args):
        raise bad_argument(
            min(len(parameters), len(args)) + 1,
            f"the query has {len(parameters)} placeholders, `args` has {len(args)} values",
        )
    fitted = []
    for position, (parameter, value) in enumerate(zip(parameters, args, strict=True), 1):
        try:
            fitted.append(_fit(parameter.name, value, parameter.kind))
        except Misfit as error:
            raise bad_argument(position, str(error)) from None
    return fitted


def _fit(name: str, value: object, kind: str = "scalar") -> object:
    if value is None:
        return None
    if name in SUBTYPES:
        return _range(name, value)
    if kind in ("range", "multirange", "composite"):
        raise Misfit(f"a {kind} cannot be an argument; cast it in the query: `$1::text::{name}`")
    if isinstance(value, Timestamp | Duration):
        value = str(value)
    if name.endswith("[]"):
        if not isinstance(value, list):
            raise Misfit(f"expected a list for {name}, got {_kind(value)}")
        return [_fit(name if isinstance(each, list) else name[:-2], each) for each in value]
    return _CONVERT.get(name, _text_or_same)(name, value)


def _integer(name: str, value: object) -> int:
    given = value
    if value.__class__ is int:
        return value
    if isinstance(value, Exact):
        value = value.literal
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]+\s*", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    raise Misfit(f"expected a whole number for {name}, got {_kind(given)}")


def _is_whole(value: float) -> bool:
    return value.is_integer() and not isinstance(value, Exact)


def _float(name: str, value: object) -> float:
    try:
        number = float(value if _is_number(value) else "")  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        raise Misfit(f"expected a number for {name}, got {_kind(value)}") from None
    if isinstance(value, Exact) and isinf(number):
        raise Misfit(f"the number is too large for {name}")
    return number


_NUMBER = re.compile(r"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)\s*", re.IGNORECASE)


def _is_number(value: object) -> bool:
    """Whether PostgreSQL takes it for a number; Python would take `1_000` and digits of other scripts, too."""
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decimal(name: str, value: object) -> Decimal:
    if _is_number(value):
        try:
            # From the digits as written: Decimal(0.1) would be 0.1000000000000000055511151231257827.
            return Decimal(repr(value) if isinstance(value, float) else value)  # type: ignore[arg-type]
        except InvalidOperation:
            pass
    raise Misfit(f"expected a number for {name}, got {_kind(value)}")


def _text(name: str, value: object) -> str:  # noqa: ARG001  one signature for all
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Misfit("these bytes are not UTF-8 text; store them in a bytea column") from None
    if isinstance(value, float) and _is_whole(value) and abs(value) < 2**53:
        return str(int(value))
    return _json_text(value)


def _json(name: str, value: object) -> str:
    """Return JSON text: a string counts as JSON text, as in `psql`; everything else is written as JSON."""
    return value if isinstance(value, str) else _text(name, value) if isinstance(value, bytes) else _json_text(value)


def _json_text(value: object) -> str:
    try:
        return codec.write(value).decode()
    except ExprError as error:
        raise Misfit(f"this value has no JSON form: {error}") from None


def _boolean(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else value
    if word in ("true", "t", "yes", "on", "1") or (word == 1 and value.__class__ is int):
        return True
    if word in ("false", "f", "no", "off", "0") or (word == 0 and value.__class__ is int):
        return False
    raise Misfit(f"expected true or false for {name}, got {_kind(value)}")


def _time_of(read: Callable[[str], int | tuple[int, ...]], expected: str) -> Callable[[str, Any], Parts]:
    """Return the conversion of a text to the numbers of a time."""

    def convert(name: str, value: object) -> Parts:
        try:
            if isinstance(value, str):
                return Parts.of(read(value.strip()))
        except ValueError:
            pass
        raise Misfit(f"expected {expected} for {name}, got {_kind(value)}")

    return convert


_stamp = _time_of(moments.read_moment, "an RFC 3339 time such as 2026-01-31T12:00:00Z")


def _bits(name: str, value: object) -> str:
    if isinstance(value, str) and re.fullmatch("[01]*", value.strip()):
        return value.strip()
    raise Misfit(f"expected a text of zeros and ones for {name}, got {_kind(value)}")


def _range(name: str, value: object) -> asyncpg.Range:
    try:
        found = ranges.read(value) if isinstance(value, str) else ranges.read("")
    except ValueError:
        raise Misfit(f"expected a range such as [1,5) for {name}, got {_kind(value)}") from None
    if found is None:
        return asyncpg.Range(empty=True)
    lower, upper = (_fit(SUBTYPES[name], bound) for bound in found[:2])
    return asyncpg.Range(lower, upper, lower_inc=found[2], upper_inc=found[3])


def _binary(name: str, value: object) -> bytes:  # noqa: ARG001  one signature for all
    return value if isinstance(value, bytes) else _text("text", value).encode()


def _text_or_same(name: str, value: object) -> object:
    """Convert for the types that asyncpg reads from text (uuid, inet), enums, and types only the server knows."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict | bytes):
        raise Misfit(f"expected a text for {name}, got {_kind(value)}; or cast in the query: `$1::text::{name}`")
    return _text(name, value)


_CONVERT: dict[str, Callable[[str, Any], object]] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid", "xid", "cid"), _integer),
    **dict.fromkeys(("float4", "float8"), _float),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "char", "xml", "citext", "unknown"), _text),
    **dict.fromkeys(("json", "jsonb"), _json),
    "numeric": _decimal,
    "bool": _boolean,
    "timestamptz": _stamp,
    "timestamp": _stamp,
    "date": _time_of(moments.read_day, "a date such as 2026-01-31"),
    "time": _time_of(moments.read_clock, "a time of day such as 12:30:00"),
    "timetz": _time_of(moments.read_zoned_clock, "a time of day such as 12:30:00+01:00"),
    "interval": _time_of(moments.read_span, "a duration such as 90s or 1h30m"),
    "bit": _bits,
    "varbit": _bits,
    "bytea": _binary,
}


def _kind(value: object) -> str:
    """Return the kind of the value for messages; never the value, which may be a secret."""
    kinds = {
        bool: "a bool",
        int: "an int",
        float: "a double",
        Exact: "a decimal",
        str: "a text",
        bytes: "bytes",
        list: "a list",
    }
    return kinds.get(type(value), "a map" if isinstance(value, dict) else type(value).__name__)
