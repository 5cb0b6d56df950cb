"""Times in headers, as servers write them."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST = 64
"""Characters of a date. The longest form of HTTP has 33."""
FOREVER = 1e9
"""Seconds, about 32 years: so that no pause is endless."""
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


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


def pause_of(text: str, now: float) -> float | None:
    """Return the seconds that a `Retry-After` asks for, a number or a date; None if it says nothing usable.

    now: the wall time, in seconds since 1970.
    """
    if _SECONDS.fullmatch(text):
        return min(float(text), FOREVER)
    date = seconds_of(text)
    return None if date is None else max(0.0, date - now)
