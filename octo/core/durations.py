"""Durations as authors write them: Go's notation."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LEAST_NANOSECONDS = 1_000_000


def parse_duration(value: object) -> object:
    """Go's notation, `250ms` or `1h30m`, as a timedelta.

    A bare number means nanoseconds in the flow language. Only numbers of a millisecond or more are accepted:
    the author of `timeout: 30` nearly always means thirty seconds.
    """
    if isinstance(value, str) and (value in ("0", "") or _DURATION.fullmatch(value)):
        return _span(seconds=sum(float(n) * _SECONDS[unit] for n, unit in _PART.findall(value)))
    if isinstance(value, str | bool):
        raise PydanticCustomError("duration", "not a duration; write e.g. 250ms, 30s or 1h30m")
    if isinstance(value, int | float):
        if value == 0 or (isinstance(value, int) and value >= _LEAST_NANOSECONDS):
            return _span(microseconds=value // 1000)
        raise PydanticCustomError(
            "duration",
            "a duration without a unit; write {value}s for seconds, {value}ms for milliseconds",
            {"value": value},
        )
    return value


def _least_zero(value: object) -> object:
    return "0" if isinstance(value, str) and value.startswith("-") and _DURATION.fullmatch(value[1:]) else value


OrZero = BeforeValidator(_least_zero)
"""Marks a time limit of which 0 means the default; a negative one counts as 0: `Annotated[Duration, OrZero]`."""


def _span(**length: float) -> timedelta:
    try:
        return timedelta(**length)
    except OverflowError:
        raise PydanticCustomError("duration", "a duration of more than 999999999 days is too long") from None


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "format": "go-duration", "examples": ["30s", "250ms", "1h30m"]}),
]
"""A length of time in Go's notation: `250ms`, `30s`, `1h30m`."""
