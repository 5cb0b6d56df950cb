"""PostgreSQL's dates, times and intervals over their whole range: as text, and as the numbers that the server sends.

Python knows the years 1 to 9999, no 24:00, no month as a span of time, and no infinity; PostgreSQL knows all of them.
So no value passes through `datetime`'s types. What RFC 3339 or CEL can write has their form, anything else has
PostgreSQL's own (`0044-03-15 BC`, `20000-01-01 00:00:00+00`, `24:00:00`, `1 mon`, `infinity`); both are read.

The functions without `read_` take the server's numbers and return text, those with it do the reverse and raise
`ValueError`. Days and microseconds count from 2000-01-01T00:00:00Z.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

_DAY = 86_400_000_000
_DAY_ZERO = date(2000, 1, 1)
_ZERO = datetime(2000, 1, 1)  # noqa: DTZ001  in UTC, as the server counts
_CYCLE = 146_097
"""Days of 400 years, after which the calendar repeats."""

_PYTHONS_DAYS = range((date.min - _DAY_ZERO).days, (date.max - _DAY_ZERO).days + 1)
_INT32, _INT64 = 2**31, 2**63


def day(days: int) -> str:
    if days in _PYTHONS_DAYS:
        return (_DAY_ZERO + timedelta(days)).isoformat()
    return _endless(days, _INT32) or "{}{}".format(*_distant(days))


def moment(microseconds: int) -> str:
    """Return the text of a timestamp without zone. It counts as UTC, so that CEL's `timestamp()` can read it."""
    return _moment(microseconds, "")


def instant(microseconds: int) -> str:
    """Return the text of a timestamp with zone, in UTC."""
    return _moment(microseconds, "+00")


def _moment(microseconds: int, zone: str) -> str:
    days, rest = divmod(microseconds, _DAY)
    if days in _PYTHONS_DAYS:
        return f"{(_ZERO + timedelta(0, 0, microseconds)).isoformat()}Z"
    if endless := _endless(microseconds, _INT64):
        return endless
    written, era = _distant(days)
    return f"{written} {_clock(rest).rstrip('0').rstrip('.') if rest % 1_000_000 else _clock(rest)}{zone}{era}"


def _endless(number: int, limit: int) -> str:
    return {limit - 1: "infinity", -limit: "-infinity"}.get(number, "")


def _distant(days: int) -> tuple[str, str]:
    """Return a day outside Python's calendar as PostgreSQL writes it, and its era."""
    cycles, rest = divmod(days, _CYCLE)
    like = _DAY_ZERO + timedelta(rest)
    year = like.year + 400 * cycles
    written, era = (year, "") if year > 0 else (1 - year, " BC")
    return f"{written:04}-{like:%m-%d}", era


def clock(microseconds: int) -> str:
    """Return the text of a time of day, up to 24:00:00."""
    return _clock(microseconds)


def _clock(microseconds: int) -> str:
    seconds, fraction = divmod(microseconds, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return f"{text}.{fraction:06}" if fraction else text


def zoned_clock(microseconds: int, west: int) -> str:
    """Return the text of a time of day with its offset, which the server counts in seconds to the west."""
    minutes, seconds = divmod(abs(west), 60)
    offset = f"{'-' if west > 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
    return f"{_clock(microseconds)}{offset}:{seconds:02}" if seconds else f"{_clock(microseconds)}{offset}"


def span(months: int, days: int, microseconds: int) -> str:
    """Return seconds as CEL's `duration()` reads them, a day being 24 hours; with months, which have no length,
    PostgreSQL's own text.
    """
    if months:
        return _endless_span(months, days, microseconds) or _calendar_span(months, days, microseconds)
    return seconds(days * _DAY + microseconds)


def seconds(microseconds: int) -> str:
    """Return microseconds as seconds: `5400s`, `-1.5s`."""
    return f"{format(Decimal(microseconds).scaleb(-6).normalize(), 'f')}s"


def _endless_span(months: int, days: int, microseconds: int) -> str:
    """Return `infinity` for the intervals that PostgreSQL 17 has for it."""
    ends = {_endless(months, _INT32), _endless(days, _INT32), _endless(microseconds, _INT64)}
    return ends.pop() if len(ends) == 1 else ""


def _calendar_span(months: int, days: int, microseconds: int) -> str:
    years, months = int(months / 12), months - 12 * int(months / 12)
    parts, negative = [], False
    for count, unit in ((years, "year"), (months, "mon"), (days, "day")):
        if count:
            plus = "+" if negative and count > 0 else ""
            parts.append(f"{plus}{count} {unit}{'' if count == 1 else 's'}")
            negative = count < 0
    if microseconds:
        sign = "-" if microseconds < 0 else "+" if negative else ""
        text = _clock(abs(microseconds))
        parts.append(sign + (text.rstrip("0") if "." in text else text))
    return " ".join(parts)


# --- reading -----------------------------------------------------------------------------------------------------

_ENDLESS = {"infinity": 1, "-infinity": -1}
_MOMENT = re.compile(
    r"(?P<year>[0-9]{4,7})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[ Tt](?P<clock>[0-9:.]+)(?P<zone>[Zz]|[+-][0-9:]+)?)?(?P<era> BC)?"
)
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?")
_OFFSET = re.compile(r"([+-])([0-9]{2})(?::?([0-9]{2})(?::?([0-9]{2}))?)?")


def read_day(text: str) -> int:
    """Read a date; of a date with a time only the date, as written."""
    if text in _ENDLESS:
        return _INT32 - 1 if text == "infinity" else -_INT32
    try:
        return (date.fromisoformat(text) - _DAY_ZERO).days
    except ValueError:
        days = _parts(text)[0]
        if abs(days) >= _INT32:
            raise
        return days


def read_moment(text: str) -> int:
    """Read a timestamp. One with an offset is converted to UTC, one without counts as UTC."""
    if text in _ENDLESS:
        return _INT64 - 1 if text == "infinity" else -_INT64
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        days, microseconds, east = _parts(text)
        return days * _DAY + microseconds - east * 1_000_000
    since = found.replace(tzinfo=None) - _ZERO - (found.utcoffset() or timedelta())
    return since // timedelta(microseconds=1)


def _parts(text: str) -> tuple[int, int, int]:
    """Return day, microseconds of the day and the offset in seconds to the east."""
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError(text)
    year = int(found["year"])
    if found["era"]:
        year = 1 - year
    elif not year:
        raise ValueError(text)
    cycles, like = divmod(year - 2000, 400)
    days = (date(2000 + like, int(found["month"]), int(found["day"])) - _DAY_ZERO).days + cycles * _CYCLE
    return days, read_clock(found["clock"]) if found["clock"] else 0, _east(found["zone"] or "Z")


def read_clock(text: str) -> int:
    """Read a time of day, up to 24:00:00. An offset is not allowed."""
    found = _CLOCK.fullmatch(text)
    if not found:
        at = time.fromisoformat(text)  # the other forms of ISO 8601
        if at.tzinfo:
            raise ValueError(text)
        return ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond
    hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3] or 0)
    microseconds = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + int((found[4] or "0")[:6].ljust(6, "0"))
    if minutes > 59 or seconds > 60 or microseconds > _DAY:  # a leap second counts as the next, as in PostgreSQL
        raise ValueError(text)
    return microseconds


def read_zoned_clock(text: str) -> tuple[int, int]:
    """Read a time of day with its offset; without one it is in UTC."""
    found = re.fullmatch(r"([0-9:.]+)([Zz]|[+-][0-9:]+)?", text)
    if not found:
        raise ValueError(text)
    return read_clock(found[1]), -_east(found[2] or "Z")


def _east(zone: str) -> int:
    if zone in "Zz":
        return 0
    found = _OFFSET.fullmatch(zone)
    if not found or int(found[2]) > 15 or int(found[3] or 0) > 59 or int(found[4] or 0) > 59:
        raise ValueError(zone)
    east = (int(found[2]) * 60 + int(found[3] or 0)) * 60 + int(found[4] or 0)
    return -east if found[1] == "-" else east


_UNITS = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1, "µs": 1}
_DURATION = re.compile(r"([+-]?)((?:[0-9]+(?:\.[0-9]+)?(?:ms|us|µs|h|m|s))+)")
_CALENDAR = re.compile(
    r"(?:([+-]?[0-9]+) years? ?)?(?:([+-]?[0-9]+) mon(?:th)?s? ?)?(?:([+-]?[0-9]+) days? ?)?"
    r"(?:([+-]?)([0-9]+):([0-9:.]+))?"
)


def read_span(text: str) -> tuple[int, int, int]:
    """Read a duration such as `1h30m` or `5400s`, or PostgreSQL's own text: months, days, microseconds."""
    if text in _ENDLESS:
        sign = _ENDLESS[text]
        return (_INT32 - 1, _INT32 - 1, _INT64 - 1) if sign > 0 else (-_INT32, -_INT32, -_INT64)
    if found := _DURATION.fullmatch(text):
        parts = re.findall(r"([0-9.]+)(ms|us|µs|h|m|s)", found[2])
        total = int(sum((Decimal(number) * _UNITS[unit] for number, unit in parts), Decimal(0)))
        return _held(0, 0, -total if found[1] == "-" else total)
    found = _CALENDAR.fullmatch(text)
    if not found or not text:
        raise ValueError(text)
    years, months, days, sign_, hours, rest = found.groups()
    microseconds = int(hours) * 3_600_000_000 + read_clock(f"00:{rest}") if hours else 0
    total = 12 * int(years or 0) + int(months or 0)
    return _held(total, int(days or 0), -microseconds if sign_ == "-" else microseconds)


def _held(months: int, days: int, microseconds: int) -> tuple[int, int, int]:
    """Return the numbers if the server has room for them. Raises `ValueError`."""
    if max(abs(months), abs(days)) >= _INT32 or abs(microseconds) >= _INT64:
        raise ValueError("too long")
    return months, days, microseconds
