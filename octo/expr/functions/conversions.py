"""Conversions between the basic types."""

import math
from typing import Any

from octo.expr.cost import Cost
from octo.expr.errors import CONVERSION, NO_SUCH_OVERLOAD, ExprError, quoted
from octo.expr.function import function
from octo.expr.values import (
    INT_MAX,
    INT_MIN,
    SECOND,
    TYPES,
    UINT_MAX,
    Duration,
    Exact,
    Timestamp,
    Type,
    Uint,
    a as article,
    kind_of,
)


def failed(value: object, target: str) -> ExprError:
    if isinstance(value, int) and value.bit_length() > 64:
        shown = f"a number of {value.bit_length()} bits"
    else:
        shown = quoted(value) if isinstance(value, str) else str(value)
    return ExprError(CONVERSION, f"cannot convert {article(kind_of(value))} to {target}: {shown}")


def type_of_value(value: Any) -> Type:
    kind = TYPES.get(kind_of(value))
    if kind is None:
        raise ExprError(NO_SUCH_OVERLOAD, f"{kind_of(value)} is no type of CEL")
    return kind


def _digits(text: str, value_of: str, *, signed: bool) -> int:
    body = text[1:] if signed and text[:1] in {"-", "+"} else text
    if not (body.isascii() and body.isdigit()) or len(body) > 400:
        raise failed(text, value_of)
    return int(text)


def _whole(value: Exact, kind: str) -> int:
    """The whole part of a decimal with all its digits, of which a double keeps 15."""
    from decimal import Decimal

    if not abs(value) < 1e20:  # far beyond both kinds, and before all digits of 1e400 are written
        raise failed(value, kind)
    return int(Decimal(value.literal))


@function(
    "int(int) -> int",
    "int(uint) -> int",
    "int(double) -> int",
    "int(string) -> int",
    "int(timestamp) -> int",
    "int(duration) -> int",
    family="conversions",
    examples=['int("42") == 42', "int(1.9) == 1", 'int(timestamp("1970-01-01T00:01:00Z")) == 60'],
)
def to_int(value: Any) -> int:
    """The value as an int: a double loses its fraction, a timestamp becomes seconds since 1970, a duration seconds."""
    if isinstance(value, Timestamp):
        return value.nanos // SECOND
    if isinstance(value, Duration):
        return value.whole(SECOND)
    if isinstance(value, str):
        number = _digits(value, "int", signed=True)
    elif isinstance(value, Exact):
        number = _whole(value, "int")
    elif isinstance(value, float):
        # No double is exactly the largest int: so both ends of the range are refused.
        if not abs(value) < 2.0**63:
            raise failed(value, "int")
        number = int(value)
    else:
        number = int(value)
    if not INT_MIN <= number <= INT_MAX:
        raise failed(value, "int")
    return number


@function(
    "uint(uint) -> uint",
    "uint(int) -> uint",
    "uint(double) -> uint",
    "uint(string) -> uint",
    family="conversions",
    examples=['uint("42") == 42u', "uint(1.9) == 1u"],
)
def to_uint(value: Any) -> Uint:
    """The value as an unsigned int: a double loses its fraction."""
    if isinstance(value, str):
        number = _digits(value, "uint", signed=False)
    elif isinstance(value, Exact):
        number = _whole(value, "uint")
    elif isinstance(value, float):
        if not 0.0 <= value < 2.0**64:
            raise failed(value, "uint")
        number = int(value)
    else:
        number = int(value)
    if not 0 <= number <= UINT_MAX:
        raise failed(value, "uint")
    return Uint(number)


@function(
    "double(double) -> double",
    "double(int) -> double",
    "double(uint) -> double",
    "double(string) -> double",
    family="conversions",
    examples=['double("1.5") == 1.5', "double(3) / 2.0 == 1.5"],
)
def to_double(value: Any) -> float:
    """The value as a double."""
    try:
        if isinstance(value, str) and not (value.isascii() and "_" not in value and value == value.strip()):
            raise failed(value, "double")
        return float(value)
    except (ValueError, OverflowError):
        raise failed(value, "double") from None


def show_double(value: float) -> str:
    """The shortest text that reads back as the same number; a whole double is written without a fraction."""
    if isinstance(value, Exact):
        return str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e16 else repr(value)


@function(
    "string(string) -> string",
    "string(bool) -> string",
    "string(int) -> string",
    "string(uint) -> string",
    "string(double) -> string",
    "string(bytes) -> string",
    "string(timestamp) -> string",
    "string(duration) -> string",
    "string(type) -> string",
    "string(net.IP) -> string",
    "string(net.CIDR) -> string",
    family="conversions",
    examples=[
        'string(42) == "42"',
        'string(2.5) == "2.5"',
        'string(true) == "true"',
        'string(duration("90m")) == "5400s"',
    ],
)
def to_string(value: Any) -> str:
    """The value as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return show_double(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise ExprError(CONVERSION, "cannot convert bytes to string: they are not UTF-8") from None
    try:
        return str(value)
    except ValueError:
        raise ExprError(CONVERSION, "the number is too large for a string") from None


@function("bytes(bytes) -> bytes", "bytes(string) -> bytes", family="conversions", examples=['bytes("abc") == b"abc"'])
def to_bytes(value: Any) -> bytes:
    """The UTF-8 bytes of a string."""
    if isinstance(value, bytes):
        return value
    try:
        return bytes(value.encode())
    except UnicodeEncodeError:
        raise ExprError(CONVERSION, "cannot convert string to bytes: it holds half a character") from None


_BOOLS = {
    **dict.fromkeys(("1", "t", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "false", "FALSE", "False"), False),
}


@function(
    "bool(bool) -> bool",
    "bool(string) -> bool",
    family="conversions",
    examples=['bool("true")', '!bool("0")'],
)
def to_bool(value: Any) -> bool:
    """The value as a bool. The texts "true", "t", "1" and "false", "f", "0" are accepted."""
    if isinstance(value, bool):
        return value
    if value not in _BOOLS:
        raise failed(value, "bool")
    return _BOOLS[value]


@function(
    "timestamp(timestamp) -> timestamp",
    "timestamp(int) -> timestamp",
    "timestamp(string) -> timestamp",
    family="conversions",
    examples=['timestamp("2024-02-29T12:00:00+01:00") == timestamp("2024-02-29T11:00:00Z")'],
    cost=Cost(base=64),
)
def to_timestamp(value: Any) -> Timestamp:
    """A point in time from RFC 3339 text, or from seconds since 1970."""
    from octo.expr.functions.times import parse_timestamp

    if isinstance(value, Timestamp):
        return value
    if isinstance(value, str):
        return parse_timestamp(value)
    return Timestamp(int(value) * SECOND)


@function(
    "duration(duration) -> duration",
    "duration(string) -> duration",
    "duration(int) -> duration",
    family="conversions",
    examples=['duration("1h30m") == duration("5400s")', 'duration("1.5s") > duration("1s")'],
    cost=Cost(base=64),
)
def to_duration(value: Any) -> Duration:
    """A span of time from text such as "1h30m" or "250ms", or from seconds."""
    from octo.expr.functions.times import parse_duration

    if isinstance(value, Duration):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    return Duration(int(value) * SECOND)
