"""The way out of CEL: a value as a flow holds it, as JSON, and as text."""

import math
from collections.abc import Callable
from typing import Any

from octo.expr.addresses import CIDR, IP
from octo.expr.errors import BUDGET, NOT_JSON, ExprError
from octo.expr.json import dumps, key_text
from octo.expr.limits import MAX_ELEMENTS
from octo.expr.values import INT_MAX, INT_MIN, Duration, Exact, Optional, Timestamp, Uint, a as article, kind_of

_PLAIN = frozenset((str, int, bool, type(None)))
_SETTLED = frozenset((*_PLAIN, bytes, Timestamp, Duration))


def settle(value: Any) -> Any:
    """The value as a flow holds it. Lists and maps are copied only where something in them changes.

    Bytes, timestamps and durations stay as they are. Addresses become text, an optional becomes its value or null, a
    uint an int, and a key a string. Types, infinite numbers and NaN are refused.
    """
    return value if value.__class__ in _SETTLED else _walked(value, _settled)


def to_json(value: Any) -> Any:
    """The settled value as JSON: bytes become base64, timestamps and durations their text."""
    return value if value.__class__ in _PLAIN else _walked(value, _plain)


Leaf = Callable[[Any], Any]


def _walked(value: Any, leaf: Leaf) -> Any:
    try:
        return _convert(value, leaf, [MAX_ELEMENTS])
    except RecursionError:
        raise ExprError(NOT_JSON, "the value is nested too deeply for JSON") from None


def _convert(value: Any, leaf: Leaf, fuel: list[int]) -> Any:
    # A small value with shared parts can be exponentially large as JSON: hence the fuel.
    fuel[0] -= 1
    if fuel[0] < 0:
        raise ExprError(BUDGET, f"the value has more than {MAX_ELEMENTS:,} elements as JSON")
    cls = value.__class__
    if cls in _PLAIN:
        return value
    if isinstance(value, dict):
        return _convert_map(value, leaf, fuel)
    if isinstance(value, list):
        return _convert_list(value, leaf, fuel)
    if isinstance(value, Optional):
        return _convert(value.value, leaf, fuel) if value.present else None
    return leaf(value)


def _convert_map(value: dict[Any, Any], leaf: Leaf, fuel: list[int]) -> Any:
    changed: dict[str, Any] | None = None
    for key, item in dict.items(value):
        name = key if isinstance(key, str) else key_text(key)
        converted = item if item.__class__ in _PLAIN else _convert(item, leaf, fuel)
        if changed is None and (converted is not item or name is not key):
            changed = {}
            for earlier, kept in dict.items(value):
                if earlier is key:
                    break
                changed[earlier] = kept
        if changed is not None:
            changed[name] = converted
    fuel[0] -= len(value)
    return value if changed is None else changed


def _convert_list(value: list[Any], leaf: Leaf, fuel: list[int]) -> Any:
    changed: list[Any] | None = None
    for position, item in enumerate(value):
        converted = item if item.__class__ in _PLAIN else _convert(item, leaf, fuel)
        if changed is None and converted is not item:
            changed = value[:position]
        if changed is not None:
            changed.append(converted)
    fuel[0] -= len(value)
    return value if changed is None else changed


def _settled(value: Any) -> Any:
    if value.__class__ in _SETTLED:
        return value
    if isinstance(value, Uint):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value) or isinstance(value, Exact):
            return value
        raise ExprError(NOT_JSON, f"{value} has no JSON form", hint="Test with math.isFinite(...)")
    if isinstance(value, (IP, CIDR)):
        return str(value)
    if isinstance(value, (str, int, bytes)) or hasattr(value, "__bytes__"):
        return value
    raise ExprError(NOT_JSON, f"{article(kind_of(value))} has no JSON form")


def _plain(value: Any) -> Any:
    value = _settled(value)
    if isinstance(value, bytes) or hasattr(value, "__bytes__"):
        from base64 import b64encode

        return b64encode(bytes(value)).decode()
    return str(value) if isinstance(value, (Timestamp, Duration)) else value


def render(value: Any) -> str:
    """A string as it is, anything else as compact JSON; a whole double is written without its fraction."""
    if isinstance(value, str):
        return value
    if value.__class__ is int and INT_MIN <= value <= INT_MAX:
        return str(value)
    value = value if value.__class__ is float and math.isfinite(value) else to_json(value)
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16 and not isinstance(value, Exact):
        return f"{value:.0f}"
    return dumps(value)
