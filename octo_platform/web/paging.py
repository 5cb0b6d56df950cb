"""Pages of lists. A cursor is the place after the last row that was sent, so rows that come or go shift no page."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from octo_platform.problem import Problem
from octo_platform.web.shapes import is_text

Row = TypeVar("Row")
Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=200, description="At most so many items")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before")]
Column = InstrumentedAttribute[Any]
Statement = Select[*tuple[Any, ...]]


class Page(BaseModel, Generic[Item]):
    """A part of a list. next: the cursor of the part after it; None if this is the last."""

    items: list[Item]
    next: str | None = None


def part(query: Statement, by: Sequence[Column], cursor: str | None, limit: int, *, newest: bool) -> Statement:
    """The query for one page, and one row more. by: columns that order it, the last of them unique."""
    if cursor:
        place = tuple_(*by)
        values = _opened(cursor, by)
        query = query.where(place < values if newest else place > values)
    return query.order_by(*(each.desc() if newest else each for each in by)).limit(limit + 1)


def page(
    rows: Sequence[Row], limit: int, place: Callable[[Row], Sequence[object]], item: Callable[[Row], Item]
) -> Page[Item]:
    """The page of what `part` has found."""
    kept = rows[:limit]
    following = _sealed(place(kept[-1])) if len(rows) > limit else None
    return Page(items=[item(each) for each in kept], next=following)


def _sealed(values: Sequence[object]) -> str:
    plain = [each.isoformat() if isinstance(each, datetime) else each for each in values]
    return urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _opened(cursor: str, by: Sequence[Column]) -> Any:
    try:
        values = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != len(by):
            raise ValueError(cursor)
        return tuple(_value(each, column) for each, column in zip(values, by, strict=True))
    except (ValueError, RecursionError):
        raise Problem("bad-cursor") from None


def _value(value: object, column: Column) -> object:
    kind = column.type.python_type
    if kind is datetime and isinstance(value, str):
        at = datetime.fromisoformat(value)
        if at.tzinfo is None or not 1970 <= at.year < 9999:  # of UTC, it may be in no year at all
            raise ValueError(value)
        return at
    if type(value) is not kind or (isinstance(value, str) and ("\0" in value or not is_text(value))):
        raise ValueError(value)
    if isinstance(value, int) and abs(value) > 2**62:
        raise ValueError(value)
    return value
