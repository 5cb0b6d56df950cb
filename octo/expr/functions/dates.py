"""Calendars and clocks: times as texts of any pattern, and arithmetic with days and months in a time zone.

Without a zone, these functions use the offset that a timestamp is written with, which is UTC for most; a day is then 24
hours. In a zone such as `Europe/Berlin` it is as long as it is there. A local time that a change of clocks leaves out
moves forward by the gap; of one that occurs twice, the first is meant.
"""

from typing import TYPE_CHECKING, Any, Final

from octo.expr.cost import Cost
from octo.expr.errors import INVALID_ARGUMENT, OVERFLOW, ExprError, quoted
from octo.expr.function import function
from octo.expr.functions.times import moment_in, zone_cost, zone_of
from octo.expr.nearest import nearest
from octo.expr.values import INT_MAX, SECOND, Timestamp

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from octo.expr.patterns import Pattern

_FIXED: Final = {"hour": 3600 * SECOND, "minute": 60 * SECOND, "second": SECOND, "millisecond": SECOND // 1000}
_DAYS: Final = {"day": 1, "week": 7}
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_UNITS: Final = (*_MONTHS, *_DAYS, *_FIXED)
_PLURALS: Final = {f"{unit}s": unit for unit in _UNITS}
_DAY: Final = 86_400 * SECOND


def _cost(zone: int) -> Cost:
    """The cost of a function whose argument at this position is a zone."""

    def search(*arguments: Any) -> int:
        return zone_cost(None, arguments[zone]) if len(arguments) > zone else 0

    return Cost(base=64, more=search)


# -- texts


def _understood(text: Any) -> "Pattern":
    from octo.expr.patterns import pattern

    return pattern(text)


@function(
    "timestamp.format(string) -> string",
    "timestamp.format(string, string) -> string",
    family="octo",
    examples=[
        'timestamp("2024-02-29T12:00:00Z").format("dd.MM.yyyy") == "29.02.2024"',
        'timestamp("2024-02-29T12:00:00Z").format("HH:mm XXX", "Europe/Berlin") == "13:00 +01:00"',
        'timestamp("2024-02-29T12:00:00Z").format("EEE, d MMM yyyy") == "Thu, 29 Feb 2024"',
    ],
    cost=_cost(2),
    literal=(1, _understood),
)
def format_time(value: Timestamp, pattern: str, zone: str = "") -> str:
    """The time as a text by a pattern with the letters of Java, names in English, in its own offset or in a zone."""
    from octo.expr.patterns import Local

    return _understood(pattern).write(Local(_local(value, _place(value, zone)), value.nanos % SECOND))


@function(
    "timestamp(string, string) -> timestamp",
    "timestamp(string, string, string) -> timestamp",
    family="octo",
    examples=[
        'timestamp("29.02.2024", "dd.MM.yyyy") == timestamp("2024-02-29T00:00:00Z")',
        'timestamp("29.02.2024 13:00", "dd.MM.yyyy HH:mm", "Europe/Berlin") == timestamp("2024-02-29T12:00:00Z")',
    ],
    cost=_cost(2),
    literal=(1, _understood),
)
def read_time(text: str, pattern: str, zone: str = "UTC") -> Timestamp:
    """The time that a text says by a pattern, in UTC or in a zone, unless the text has an offset of its own."""
    from datetime import timedelta, timezone

    found = _understood(pattern).read(text)
    where = zone_of(zone) if found.offset is None else timezone(timedelta(seconds=found.offset))
    return _moment(found.time, where, found.nanos)


# -- arithmetic


def _unit(text: str) -> str:
    unit = _PLURALS.get(text, text)
    if unit not in _UNITS:
        guess = nearest(text, (*_UNITS, *_PLURALS))
        hint = f"Did you mean '{guess}'?" if guess else f"Units are {', '.join(_UNITS)}"
        raise ExprError(INVALID_ARGUMENT, f"unknown unit of time {quoted(text)}", hint=hint)
    return unit


@function(
    "timestamp.add(int, string) -> timestamp",
    "timestamp.add(int, string, string) -> timestamp",
    family="octo",
    examples=[
        'timestamp("2024-01-31T12:00:00Z").add(1, "month") == timestamp("2024-02-29T12:00:00Z")',
        'timestamp("2024-03-30T11:00:00Z").add(1, "day", "Europe/Berlin") == timestamp("2024-03-31T10:00:00Z")',
        'timestamp("2024-03-30T11:00:00Z").add(-2, "hours") == timestamp("2024-03-30T09:00:00Z")',
    ],
    cost=_cost(3),
    literal=(2, _unit),
)
def add(value: Timestamp, amount: int, unit: str, zone: str = "") -> Timestamp:
    """The time so many units later. Days and more keep the local time, months also the day if there is one.

    Units: years, quarters, months, weeks, days, hours, minutes, seconds, milliseconds; the singular will do.
    """
    unit, where = _unit(unit), _place(value, zone)
    if not -INT_MAX <= amount <= INT_MAX:
        raise _outside()
    if unit in _FIXED:
        return _shown(value.nanos + amount * _FIXED[unit], where)
    local = _local(value, where)
    moved = _moved(local.replace(tzinfo=None), amount, unit)
    return _moment(moved, where, value.nanos % SECOND, local)


@function(
    "timestamp.startOf(string) -> timestamp",
    "timestamp.startOf(string, string) -> timestamp",
    family="octo",
    examples=[
        'timestamp("2024-02-29T12:34:56Z").startOf("month") == timestamp("2024-02-01T00:00:00Z")',
        'timestamp("2024-02-29T12:34:56Z").startOf("day", "Europe/Berlin") == timestamp("2024-02-28T23:00:00Z")',
        'timestamp("2024-02-29T12:34:56Z").startOf("week") == timestamp("2024-02-26T00:00:00Z")',
    ],
    cost=_cost(2),
    literal=(1, _unit),
)
def start_of(value: Timestamp, unit: str, zone: str = "") -> Timestamp:
    """The first moment of the year, quarter, month, week (from Monday), day, hour, minute or second."""
    from datetime import timedelta

    unit, where = _unit(unit), _place(value, zone)
    if unit == "millisecond":
        raise ExprError(INVALID_ARGUMENT, "startOf knows no unit shorter than a second")
    local = _local(value, where)
    naive = local.replace(tzinfo=None)
    if unit in _FIXED:
        lost = {"hour": naive.minute * 60 + naive.second, "minute": naive.second, "second": 0}[unit]
        return _moment(naive - timedelta(seconds=lost), where, 0, local)
    naive = naive.replace(hour=0, minute=0, second=0)
    if unit == "week":
        naive -= timedelta(days=naive.weekday())  # the first day of the year 1 is a Monday
    elif unit in _MONTHS:
        months = _MONTHS[unit]
        naive = naive.replace(day=1, month=(naive.month - 1) // months * months + 1)
    return _moment(naive, where, 0)


@function(
    "timestamp.diff(timestamp, string) -> int",
    "timestamp.diff(timestamp, string, string) -> int",
    family="octo",
    examples=[
        'timestamp("2024-03-01T00:00:00Z").diff(timestamp("2024-01-31T00:00:00Z"), "months") == 1',
        'timestamp("2024-03-31T10:00:00Z").diff(timestamp("2024-03-30T11:00:00Z"), "days", "Europe/Berlin") == 1',
        'timestamp("2024-03-30T11:00:00Z").diff(timestamp("2024-03-31T10:00:00Z"), "hours") == -23',
    ],
    cost=_cost(3),
    literal=(2, _unit),
)
def diff(value: Timestamp, other: Timestamp, unit: str, zone: str = "") -> int:
    """How many whole units lie between the two times; negative if the first is the earlier one."""
    unit, where = _unit(unit), _place(value, zone)
    if value < other:
        return -_between(value, other, unit, where)
    return _between(other, value, unit, where)


def _between(first: Timestamp, last: Timestamp, unit: str, where: "tzinfo") -> int:
    from datetime import timedelta

    if unit in _FIXED:
        return (last.nanos - first.nanos) // _FIXED[unit]
    start, end = (_local(each, where).replace(tzinfo=None) for each in (first, last))
    if unit in _DAYS:
        nanos = (end - start) // timedelta(seconds=1) * SECOND + last.nanos % SECOND - first.nanos % SECOND
        return max(0, nanos) // (_DAY * _DAYS[unit])
    months = (end.year - start.year) * 12 + end.month - start.month
    reached = _moved(start, months, "month"), first.nanos % SECOND
    return max(0, months - (reached > (end, last.nanos % SECOND))) // _MONTHS[unit]


# -- numbers


@function(
    "timestamp.getISOWeek() -> int",
    "timestamp.getISOWeek(string) -> int",
    family="octo",
    examples=['timestamp("2024-12-30T00:00:00Z").getISOWeek() == 1'],
    cost=Cost(base=32, more=zone_cost),
)
def get_iso_week(value: Timestamp, zone: str = "") -> int:
    """The number of the week (ISO 8601, from Monday), in UTC or in the given time zone. Its year: format("YYYY-ww")."""
    return moment_in(value, zone).isocalendar().week


@function(
    "timestamp.toEpochMillis() -> int",
    family="octo",
    examples=['timestamp("1970-01-01T00:00:01.5Z").toEpochMillis() == 1500'],
)
def to_epoch_millis(value: Timestamp) -> int:
    """The milliseconds since 1970, rounded down. The seconds are `int(timestamp)`."""
    return value.nanos // (SECOND // 1000)


@function(
    "fromEpochMillis(int) -> timestamp",
    family="octo",
    examples=['fromEpochMillis(1500) == timestamp("1970-01-01T00:00:01.5Z")'],
)
def from_epoch_millis(milliseconds: int) -> Timestamp:
    """The time so many milliseconds after 1970. From seconds it is `timestamp(int)`."""
    return Timestamp(milliseconds * (SECOND // 1000))


# -- local times


def _place(value: Timestamp, zone: str) -> "tzinfo":
    from datetime import timedelta, timezone

    return zone_of(zone) if zone else timezone(timedelta(seconds=value.offset))


def _local(value: Timestamp, where: "tzinfo") -> "datetime":
    try:
        return moment_in(value).astimezone(where)
    except OverflowError:
        raise _outside() from None


def _moved(local: "datetime", amount: int, unit: str) -> "datetime":
    from calendar import monthrange
    from datetime import timedelta

    try:
        if unit in _DAYS:
            return local + timedelta(days=amount * _DAYS[unit])
        year, month = divmod(local.year * 12 + local.month - 1 + amount * _MONTHS[unit], 12)
        return local.replace(year=year, month=month + 1, day=min(local.day, monthrange(year, month + 1)[1]))
    except (OverflowError, ValueError):
        raise _outside() from None


def _moment(local: "datetime", where: "tzinfo", nanos: int, near: "datetime | None" = None) -> Timestamp:
    """The moment at which the clocks of a place show this time. near: if there are two, the one with its offset."""
    from datetime import UTC, datetime, timedelta

    try:
        first, second = (_offset(local.replace(tzinfo=where, fold=fold)) for fold in (0, 1))
        # In a gap the second offset is the greater one; where clocks are put back, the smaller one.
        offset = second if near is not None and second == _offset(near) and second < first else first
        seconds = (local.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) - offset
        return _shown(seconds * SECOND + nanos, where)
    except OverflowError:
        raise _outside() from None


def _shown(nanos: int, where: "tzinfo") -> Timestamp:
    """The timestamp, written with the offset of the place at that moment."""
    offset = _offset(_local(Timestamp(nanos), where))
    return Timestamp(nanos, offset if offset % 60 == 0 else 0)


def _offset(moment: "datetime") -> int:
    from datetime import timedelta

    return (moment.utcoffset() or timedelta(0)) // timedelta(seconds=1)


def _outside() -> ExprError:
    return ExprError(OVERFLOW, "the time is outside of the years 1 to 9999")
