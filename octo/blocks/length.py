"""A length of time in settings: `30s`, or an expression that computes one for each message."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from octo.core.durations import parse_duration
from octo.core.errors import Permanent
from octo.core.expressions import Expr, build_of, compile_expr
from octo.core.message import Message
from octo.expr.values import Duration


def _read(value: object, info: ValidationInfo) -> timedelta | Expr[Any]:
    try:
        length = parse_duration(value)
    except PydanticCustomError:
        if not isinstance(value, str):
            raise
        return compile_expr(value, object, build_of(info).scope())
    if isinstance(length, timedelta | Expr):
        return length
    raise PydanticCustomError("duration", "not a duration; write e.g. 250ms, 30s or 1h30m, or an expression")


Length = Annotated[timedelta | Expr[object], PlainValidator(_read)]
"""Go's notation, `250ms` or `1h30m`, or an expression whose value is such a text or a duration of CEL."""


def seconds(length: timedelta | Expr[object], message: Message) -> float:
    """Return the length for this message. Raises `Permanent` for a value that is no length of time."""
    if isinstance(length, timedelta):
        return length.total_seconds()
    value = length(message)
    if isinstance(value, Duration):
        return value.nanos / 1e9
    try:
        found = parse_duration(value) if isinstance(value, str) else None
    except (PydanticCustomError, ValidationError):
        found = None
    if isinstance(found, timedelta):
        return found.total_seconds()
    raise Permanent(
        f"`{length.text}` must be a length of time, got {type(value).__name__}: "
        'write e.g. `duration("30s")`, or a text such as "250ms"'
    )
