"""Convert the values of a flow to the types of a statement's parameters in PostgreSQL.

asyncpg is strict: it refuses an int for a text column, a string for a timestamp, a whole double for a bigint. Authors
of flows expect what `psql` does. So the server's description of the parameters decides: a value with one obvious
meaning in the type is converted, any other fails and the error names the argument. Nothing is rounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import isinf
from typing import Any, Protocol

from octo.connectors.database.errors import bad_argument
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
            fitted.append(_fit(parameter.name, value))
        except Misfit as error:
            raise bad_argument(position, str(error)) from None
    return fitted


def _fit(name: str, value: object) -> object:
    if value is None:
        return None
    if isinstance(value, Timestamp | Duration):
        value = str(value)
    if name.endswith("[]"):
        if not isinstance(value, list):
            raise Misfit(f"expected a list for {name}, got {_kind(value)}")
        return [_fit(name if isinstance(each, list) else name[:-2], each) for each in value]
    return _CONVERT.get(name, _text_or_same)(name, value)


def _integer(name: str, value: object) -> int:
    if value.__class__ is int:
        return value
    if isinstance(value, float) and _is_whole(value):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+\s*", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    raise Misfit(f"expected a whole number for {name}, got {_kind(value)}")


def _is_whole(value: float) -> bool:
    return value.is_integer() and not isinstance(value, Exact)


def _float(name: str, value: object) -> float:
    try:
        number = float("true" if isinstance(value, bool) else value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise Misfit(f"expected a number for {name}, got {_kind(value)}") from None
    if isinstance(value, Exact) and isinf(number):
        raise Misfit(f"the number is too large for {name}")
    return number


def _decimal(name: str, value: object) -> Decimal:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            # From the digits as written: Decimal(0.1) would be 0.1000000000000000055511151231257827.
            return Decimal(repr(value) if isinstance(value, float) else value)
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


def _moment(value: object, name: str) -> datetime:
    if isinstance(value, str):
        text = value.strip()
        if text in ("infinity", "-infinity"):
            return datetime.max if text == "infinity" else datetime.min  # noqa: DTZ901  asyncpg's own convention
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise Misfit(f"expected an RFC 3339 time such as 2026-01-31T12:00:00Z for {name}, got {_kind(value)}")


def _timestamptz(name: str, value: object) -> datetime:
    moment = _moment(value, name)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _timestamp(name: str, value: object) -> datetime:
    moment = _moment(value, name)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _date(name: str, value: object) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip()[:10])
        except ValueError:
            pass
    raise Misfit(f"expected a date such as 2026-01-31 for {name}, got {_kind(value)}")


def _time(name: str, value: object) -> time:
    if isinstance(value, str):
        try:
            return time.fromisoformat(value.strip())
        except ValueError:
            pass
    raise Misfit(f"expected a time of day such as 12:30:00 for {name}, got {_kind(value)}")


_UNITS = {
    unit: Decimal(seconds)
    for unit, seconds in {"h": "3600", "m": "60", "s": "1", "ms": "1e-3", "us": "1e-6", "µs": "1e-6"}.items()
}
_INTERVAL = re.compile(r"([+-]?)((?:\d+(?:\.\d+)?(?:ms|us|µs|h|m|s))+)")


def _interval(name: str, value: object) -> timedelta:
    found = _INTERVAL.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise Misfit(f"expected a duration such as 90s or 1h30m for {name}, got {_kind(value)}")
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|us|µs|h|m|s)", found[2])
    seconds = sum((Decimal(number) * _UNITS[unit] for number, unit in parts), Decimal(0))
    span = timedelta(microseconds=int(seconds * 1_000_000))
    return -span if found[1] == "-" else span


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
    "timestamptz": _timestamptz,
    "timestamp": _timestamp,
    "date": _date,
    "time": _time,
    "timetz": _time,
    "interval": _interval,
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
