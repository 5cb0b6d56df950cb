"""Dates in headers, as servers write them."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST = 64
"""Characters of a date. The longest form of HTTP has 33."""


def seconds_of(text: str) -> float | None:
    """Return the seconds since 1970 that a header's date says, None if it is none."""
    if len(text) > LONGEST:
        return None
    try:
        date = parsedate_to_datetime(text)
        # `-0000` is UTC without a statement about the place; Python would take it for this machine's zone.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):  # a zone or a year beyond all bounds overflows
        return None
