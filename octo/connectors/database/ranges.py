"""PostgreSQL's ranges as text, `[1,5)`: written from the driver's object, and read into one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

SUBTYPES = {
    "int4range": "int4",
    "int8range": "int8",
    "numrange": "numeric",
    "tsrange": "timestamp",
    "tstzrange": "timestamptz",
    "daterange": "date",
}
"""The types of the bounds. Of a range that a user has made, the driver does not tell it."""


def written(value: Any, text_of: Callable[[object], str]) -> str:
    """Return the text of an object with `lower`, `upper` and how they are meant."""
    if value.isempty:
        return "empty"
    lower, upper = ("" if each is None else _quoted(text_of(each)) for each in (value.lower, value.upper))
    return f"{'[' if value.lower_inc else '('}{lower},{upper}{']' if value.upper_inc else ')'}"


def _quoted(text: str) -> str:
    """Return a bound in quotes if a reader would take a part of it for the notation of the range."""
    if text and not re.search(r'[\s",()\[\]\\]', text):
        return text
    return '"' + re.sub(r'(["\\])', r"\1\1", text) + '"'


_BOUND = r'("(?:[^"\\]|""|\\.)*"|[^",\[\]()\\]*)'
_RANGE = re.compile(rf"\s*([\[(]){_BOUND},{_BOUND}([\])])\s*", re.DOTALL)


def read(text: str) -> tuple[str | None, str | None, bool, bool] | None:
    """Return lower and upper bound, each None if it is open, and whether they belong to it; None if it is empty.

    Raises `ValueError` for what is no range.
    """
    if text.strip().lower() == "empty":
        return None
    found = _RANGE.fullmatch(text)
    if not found:
        raise ValueError(text)
    left, lower, upper, right = found.groups()
    return _plain(lower), _plain(upper), left == "[", right == "]"


def _plain(bound: str) -> str | None:
    return re.sub(r'""|\\(.)', lambda found: found[1] or '"', bound[1:-1]) if bound.startswith('"') else bound or None
