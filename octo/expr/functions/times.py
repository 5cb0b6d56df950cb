"""Timestamps and durations: parsing them, and reading their parts in any time zone."""

import re
from typing import TYPE_CHECKING, Final

from octo.expr.cost import Cost
from octo.expr.errors import CONVERSION, INVALID_ARGUMENT, OVERFLOW, ExprError, quoted
from octo.expr.function import function
from octo.expr.values import SECOND, Duration, Timestamp

if TYPE_CHECKING:
    from datetime import datetime, tzinfo
    from zoneinfo import ZoneInfo

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|μs|ns|m|s)", re.ASCII)
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)", re.ASCII)
_LONGEST = 200
"""At most this many characters in the text of a duration."""
_UNITS = {
    "h": 3600 * SECOND,
    "m": 60 * SECOND,
    "s": SECOND,
    "ms": 1_000_000,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ns": 1,
}


def parse_timestamp(text: str) -> Timestamp:
    from datetime import date

    parts = _TIMESTAMP.fullmatch(text)
    if parts is None:
        raise ExprError(
            CONVERSION,
            f"cannot convert a string to timestamp: {quoted(text)}",
            hint="Write RFC 3339, e.g. 2024-02-29T12:00:00Z",
        )
    year, month, day, hour, minute, second = map(int, parts.group(1, 2, 3, 4, 5, 6))
    if hour > 23 or minute > 59 or second > 59:
        raise ExprError(CONVERSION, f"cannot convert a string to timestamp: {quoted(text)} is no time of day")
    try:
        days = date(year, month, day).toordinal() - 719_163
    except ValueError:
        raise ExprError(OVERFLOW, f"timestamp out of range: {quoted(text)}") from None
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    offset = _offset(parts[8], parts[9], parts[10]) if parts[8] else 0
    if offset is None:
        raise ExprError(CONVERSION, f"cannot convert a string to timestamp: {quoted(text)} has no valid offset")
    return Timestamp((seconds - offset) * SECOND + int((parts[7] or "").ljust(9, "0")), offset)


def parse_duration(text: str) -> Duration:
    sign = -1 if text.startswith("-") else 1
    body = text[1:] if text[:1] in {"-", "+"} else text
    if body == "0":
        return Duration(0)
    # Invariant: the length comes first. A search through a long run of digits takes quadratic time.
    position, end = 0, len(body) if len(body) <= _LONGEST else -1
    total = 0
    while position < end and (part := _DURATION.match(body, position)):
        position = part.end()
        total += _nanos(part[1], _UNITS[part[2]])
    if position != end or not body:
        has_days = body[-1:] in {"d", "w"}
        hint = 'Write 24h for a day, or now.add(1, "day")' if has_days else "Write e.g. 1h30m or 250ms"
        raise ExprError(CONVERSION, f"cannot convert a string to duration: {quoted(text)}", hint=hint)
    return Duration(sign * total)


def _nanos(number: str, unit: int) -> int:
    whole, _, fraction = number.partition(".")
    return int(whole or 0) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


def _offset(sign: str, hours: str, minutes: str) -> int | None:
    """The seconds of an offset from UTC, 00:00 to 23:59 (RFC 3339); None if it is none."""
    if int(hours) > 23 or int(minutes) > 59:
        return None
    seconds = (int(hours) * 60 + int(minutes)) * 60
    return -seconds if sign == "-" else seconds


_ZONES: "dict[str, ZoneInfo]" = {}
"""The zones that were found: there are about 600 names. Python itself keeps only eight, and looks into files."""
_SEARCH: Final = 8192
"""The cost of a search for a name that may not exist, in all folders of zones."""


def zone_cost(value: object, zone: object = "") -> int:
    del value
    return 0 if not isinstance(zone, str) or zone[:1] in _OFFSET_STARTS or zone in _ZONES else _SEARCH


_OFFSET_STARTS = frozenset(("", *"+-0123456789"))
_PARTS = Cost(base=16, reads=0, more=zone_cost)


def zone_of(name: str) -> "tzinfo":
    from datetime import UTC, timedelta, timezone

    known = _ZONES.get(name)
    if known is not None:
        return known
    if name == "UTC":  # needs no database of zones, which a small image may lack
        return UTC
    written = _OFFSET.fullmatch(name) if len(name) <= len("+00:00") else None
    try:
        if written:
            offset = _offset(*written.groups())
            if offset is None:
                raise ValueError(name)
            return timezone(timedelta(seconds=offset))
        if len(name) > _LONGEST or name[:1] in _OFFSET_STARTS:
            raise KeyError(name)
        from zoneinfo import ZoneInfo

        return _ZONES.setdefault(name, ZoneInfo(name))
    except (ValueError, OSError, KeyError):
        raise ExprError(
            INVALID_ARGUMENT, f"unknown time zone {quoted(name)}", hint="Write e.g. Europe/Berlin or +02:00"
        ) from None


_CYCLE = 400
"""Years after which the calendar repeats, days of the week included."""


def moment_in(timestamp: Timestamp, zone: str = "") -> "datetime":
    """The date and time in UTC or in a zone; what lies in the year 0 or 10000 there, one cycle nearer to today."""
    from datetime import UTC, datetime, timedelta

    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=timestamp.nanos // SECOND)
    if not zone:
        return moment
    where = zone_of(zone)
    try:
        return moment.astimezone(where)
    except OverflowError:
        return moment.replace(year=moment.year + _cycle(moment)).astimezone(where)


def _cycle(moment: "datetime") -> int:
    return _CYCLE if moment.year == 1 else -_CYCLE


@function(
    "timestamp.getFullYear() -> int",
    "timestamp.getFullYear(string) -> int",
    family="times",
    examples=['timestamp("2024-02-29T12:00:00Z").getFullYear() == 2024'],
    cost=_PARTS,
)
def get_full_year(timestamp: Timestamp, zone: str = "") -> int:
    """The year, in UTC or in the given time zone."""
    local, utc = moment_in(timestamp, zone).year, moment_in(timestamp).year
    return local if abs(local - utc) <= 1 else local - (_CYCLE if local > utc else -_CYCLE)


@function(
    "timestamp.getMonth() -> int",
    "timestamp.getMonth(string) -> int",
    family="times",
    examples=['timestamp("2024-02-29T12:00:00Z").getMonth() == 1'],
    cost=_PARTS,
)
def get_month(timestamp: Timestamp, zone: str = "") -> int:
    """The month, from 0 for January, in UTC or in the given time zone."""
    return moment_in(timestamp, zone).month - 1


@function(
    "timestamp.getDate() -> int",
    "timestamp.getDate(string) -> int",
    family="times",
    examples=['timestamp("2024-02-29T23:00:00Z").getDate("Europe/Berlin") == 1'],
    cost=_PARTS,
)
def get_date(timestamp: Timestamp, zone: str = "") -> int:
    """The day of the month, from 1, in UTC or in the given time zone."""
    return moment_in(timestamp, zone).day


@function(
    "timestamp.getDayOfMonth() -> int",
    "timestamp.getDayOfMonth(string) -> int",
    family="times",
    examples=['timestamp("2024-02-29T12:00:00Z").getDayOfMonth() == 28'],
    cost=_PARTS,
)
def get_day_of_month(timestamp: Timestamp, zone: str = "") -> int:
    """The day of the month, from 0, in UTC or in the given time zone."""
    return moment_in(timestamp, zone).day - 1


@function(
    "timestamp.getDayOfWeek() -> int",
    "timestamp.getDayOfWeek(string) -> int",
    family="times",
    examples=['timestamp("2024-02-29T12:00:00Z").getDayOfWeek() == 4'],
    cost=_PARTS,
)
def get_day_of_week(timestamp: Timestamp, zone: str = "") -> int:
    """The day of the week, from 0 for Sunday, in UTC or in the given time zone."""
    return moment_in(timestamp, zone).isoweekday() % 7


@function(
    "timestamp.getDayOfYear() -> int",
    "timestamp.getDayOfYear(string) -> int",
    family="times",
    examples=['timestamp("2024-02-29T12:00:00Z").getDayOfYear() == 59'],
    cost=_PARTS,
)
def get_day_of_year(timestamp: Timestamp, zone: str = "") -> int:
    """The day of the year, from 0, in UTC or in the given time zone."""
    return moment_in(timestamp, zone).timetuple().tm_yday - 1


@function(
    "timestamp.getHours() -> int",
    "timestamp.getHours(string) -> int",
    "duration.getHours() -> int",
    family="times",
    examples=[
        'timestamp("2024-02-29T12:00:00Z").getHours("+02:00") == 14',
        'duration("90m").getHours() == 1',
    ],
    cost=_PARTS,
)
def get_hours(value: Timestamp | Duration, zone: str = "") -> int:
    """The hour of the day of a timestamp, or the whole hours in a duration."""
    if isinstance(value, Duration):
        return value.whole(3600 * SECOND)
    return moment_in(value, zone).hour


@function(
    "timestamp.getMinutes() -> int",
    "timestamp.getMinutes(string) -> int",
    "duration.getMinutes() -> int",
    family="times",
    examples=['duration("1h30m").getMinutes() == 90'],
    cost=_PARTS,
)
def get_minutes(value: Timestamp | Duration, zone: str = "") -> int:
    """The minute of the hour of a timestamp, or the whole minutes in a duration."""
    if isinstance(value, Duration):
        return value.whole(60 * SECOND)
    return moment_in(value, zone).minute


@function(
    "timestamp.getSeconds() -> int",
    "timestamp.getSeconds(string) -> int",
    "duration.getSeconds() -> int",
    family="times",
    examples=['duration("1m30s").getSeconds() == 90'],
    cost=_PARTS,
)
def get_seconds(value: Timestamp | Duration, zone: str = "") -> int:
    """The second of the minute of a timestamp, or the whole seconds in a duration."""
    if isinstance(value, Duration):
        return value.whole(SECOND)
    return moment_in(value, zone).second


@function(
    "timestamp.getMilliseconds() -> int",
    "timestamp.getMilliseconds(string) -> int",
    "duration.getMilliseconds() -> int",
    family="times",
    examples=['duration("1.25s").getMilliseconds() == 250'],
    cost=_PARTS,
)
def get_milliseconds(value: Timestamp | Duration, zone: str = "") -> int:
    """The milliseconds within the second."""
    if zone:
        zone_of(zone)
    nanos = value.nanos % SECOND if isinstance(value, Timestamp) else abs(value.nanos) % SECOND
    milliseconds = nanos // 1_000_000
    return -milliseconds if isinstance(value, Duration) and value.nanos < 0 else milliseconds
