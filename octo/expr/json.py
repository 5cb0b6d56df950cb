"""The way out of CEL: values as JSON kinds, and as text."""

import math
from typing import Any

from octo.expr.addresses import CIDR, IP
from octo.expr.errors import BUDGET, NOT_JSON, ExprError
from octo.expr.limits import MAX_ELEMENTS
from octo.expr.values import Duration, Optional, Timestamp, Uint, kind_of
from octo.expr.values import a as article

_PLAIN = frozenset((str, int, bool, type(None)))


def to_json(value: Any) -> Any:
    """The value as JSON kinds; lists and maps are copied only where something in them changes.

    Bytes become base64, times and addresses their text, an optional its value or null. Types and infinite numbers are
    refused.
    """
    if value.__class__ in _PLAIN:
        return value
    try:
        return _convert(value, [MAX_ELEMENTS])
    except RecursionError:
        raise ExprError(NOT_JSON, "the value is nested too deeply for JSON") from None


def _convert(value: Any, fuel: list[int]) -> Any:
    # Shared parts can make a small value exponentially large as JSON: hence the fuel.
    fuel[0] -= 1
    if fuel[0] < 0:
        raise ExprError(BUDGET, f"the value has more than {MAX_ELEMENTS:,} elements as JSON")
    cls = value.__class__
    if cls in _PLAIN:
        return value
    if isinstance(value, dict):
        return _convert_map(value, fuel)
    if isinstance(value, list):
        return _convert_list(value, fuel)
    if isinstance(value, Optional):
        return _convert(value.value, fuel) if value.present else None
    return _convert_scalar(value)


def _convert_map(value: dict[Any, Any], fuel: list[int]) -> Any:
    changed: dict[str, Any] | None = None
    for key, item in value.items():
        name = key if isinstance(key, str) else _key(key)
        converted = item if item.__class__ in _PLAIN else _convert(item, fuel)
        if changed is None and (converted is not item or name is not key):
            changed = {}
            for earlier, kept in value.items():
                if earlier is key:
                    break
                changed[earlier] = kept
        if changed is not None:
            changed[name] = converted
    fuel[0] -= len(value)
    return value if changed is None else changed


def _convert_list(value: list[Any], fuel: list[int]) -> Any:
    changed: list[Any] | None = None
    for position, item in enumerate(value):
        converted = item if item.__class__ in _PLAIN else _convert(item, fuel)
        if changed is None and converted is not item:
            changed = value[:position]
        if changed is not None:
            changed.append(converted)
    fuel[0] -= len(value)
    return value if changed is None else changed


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(int(key)) if isinstance(key, int) else str(key)


def _convert_scalar(value: Any) -> Any:
    if isinstance(value, Uint):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise ExprError(NOT_JSON, f"{value} has no JSON form", hint="Test with math.isFinite(...)")
    if isinstance(value, bytes):
        from base64 import b64encode

        return b64encode(value).decode()
    if isinstance(value, (Timestamp, Duration, IP, CIDR)):
        return str(value)
    if isinstance(value, (str, int)):
        return value
    raise ExprError(NOT_JSON, f"{article(kind_of(value))} has no JSON form")


def render(value: Any) -> str:
    """A string as it is, everything else as compact JSON; a whole double loses its fraction."""
    if isinstance(value, str):
        return value
    value = to_json(value)
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return f"{value:.0f}"
    return dumps(value)


def dumps(value: Any) -> str:
    """Compact JSON text of a JSON value."""
    import orjson

    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return _dumps_slowly(value)


def _dumps_slowly(value: Any) -> str:
    """For what orjson refuses: ints beyond 64 bits, nesting beyond 254, strings that are not Unicode."""
    import json

    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except RecursionError:
        raise ExprError(NOT_JSON, "the value is nested too deeply for JSON") from None
    except ValueError:
        raise ExprError(NOT_JSON, "a number has too many digits for JSON") from None
    except TypeError as error:
        raise ExprError(NOT_JSON, f"the value has no JSON form: {error}") from None
