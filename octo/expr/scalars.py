"""The meaning of a bare word in YAML, in configurations and data: the YAML 1.2 core rules as Go's yaml.v3 reads them.

`yes`, `no`, `on` and `off` are text, `0o17` and `017` are octal, `1:30` is text, a date is a timestamp and reaches
settings as RFC 3339 text. Numbers keep their digits, as those of JSON do.
"""

from __future__ import annotations

import math
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone

from octo.expr.json import decimal

Scalar = str | bytes | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}

_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASES = (16, 2, 8, 10)
_MOST_DIGITS = 400  # int() of a very long text is slow

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt]|[ ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?(Z|[-+]\d{2}:\d{2})?)?",
    re.ASCII,
)


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789+-." or len(text) > _MOST_DIGITS:
        return text
    number = _number(text.replace("_", ""))
    if number is not None:
        return number
    return _timestamp(text) or text


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with one of YAML's own tags, e.g. `!!str 12`; ValueError if it has none."""
    if tag == "str":
        return text
    value = resolve(text)
    if tag == "null" and value is None:
        return None
    if tag == "bool" and isinstance(value, bool):
        return value
    if tag == "int" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if tag == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return value if isinstance(value, float) else float(value)
    if tag == "timestamp" and isinstance(value, str) and value != text:
        return value
    raise ValueError(text)


def binary(text: str) -> bytes:
    """The bytes of a scalar with the tag `!!binary`; ValueError if it is no base64."""
    return b64decode("".join(text.split()), validate=True)


def _number(text: str) -> int | float | None:
    if whole := _INT.fullmatch(text):
        sign, *digits = whole.groups()
        value = next(int(each, base) for each, base in zip(digits, _BASES, strict=True) if each)
        return -value if sign == "-" else value
    return decimal(text) if _FLOAT.fullmatch(text) else None


def _timestamp(text: str) -> str | None:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(each or 0) for each in match.groups()[:6])
    fraction, zone = match[7], match[8]
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=_zone(zone))
    except ValueError:
        return None
    tail = "Z" if zone is None or zone == "Z" else zone
    digits = (fraction or "").rstrip("0")
    return moment.isoformat()[:19] + (f".{digits}" if digits else "") + tail


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
