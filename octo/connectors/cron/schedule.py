"""Schedules: when the next tick is.

`sec min hour dom mon dow`, the same without seconds, `@every 5s`, or `@hourly` and the like. cronsim reads the fields.
We handle daylight saving ourselves: a schedule at fixed times of day (`0 30 2 * * *`) ticks exactly once a day. In
spring, when its hour does not exist, it ticks at the end of the gap; in autumn it ticks in the first of the two hours.
A schedule that repeats within the day (`0 */10 * * * *`) follows real time.
"""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from octo.core.durations import parse_duration
from octo.expr import nearest

EXAMPLE = "e.g. `0 30 6 * * MON-FRI` (seconds first), `30 6 * * *`, `@every 5s` or `@daily`"

_SHORT = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_FIELDS = {
    "second": "0-59",
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31, L or LW",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 or SUN-SAT",
}
_LEAST = timedelta(milliseconds=10)


class Schedule(Protocol):
    """Times at which something happens."""

    @property
    def is_fixed(self) -> bool:
        """Whether it has fixed times of day, which must not come twice when the clock is set back."""
        ...

    def next_after(self, moment: datetime) -> datetime:
        """The first tick after the moment, in UTC. An interval counts from the moment: give it that of a tick."""
        ...

    def latest(self, tick: datetime, now: datetime) -> datetime:
        """A moment from which `next_after` goes on, with no tick between it and `now`. tick: one before `now`."""
        ...


def parse(text: str, timezone: str | None = None) -> Schedule:
    """Read a schedule. Raises ValueError with what is wrong and an example."""
    prefix = re.match(r"(?:CRON_)?TZ=(\S+)\s+", text)
    if prefix:
        if timezone and timezone != prefix[1]:
            raise ValueError(f"the time zone is given twice: {prefix[1]} here, {timezone} in `timezone`")
        timezone, text = prefix[1], text[prefix.end() :]
    where = zone(timezone)
    text = text.strip()
    if text.startswith("@every"):
        return _every(text.removeprefix("@every").strip())
    fields = _SHORT.get(text.lower(), text)
    if fields.startswith("@"):
        hint = nearest(fields, [*_SHORT, "@every"])
        raise ValueError(f"`{fields}` is not known" + (f"; did you mean `{hint}`?" if hint else f"; {EXAMPLE}"))
    return _fields(fields, where)


@dataclass(frozen=True)
class Every:
    """A constant interval, counted from the moment the flow was first started."""

    interval: timedelta
    is_fixed: bool = False

    def next_after(self, moment: datetime) -> datetime:
        return moment + self.interval

    def latest(self, tick: datetime, now: datetime) -> datetime:
        return tick + (now - tick) // self.interval * self.interval


def _every(text: str) -> Every:
    if not text:
        raise ValueError("`@every` needs a duration, e.g. `@every 1h30m`")
    try:
        interval = parse_duration(text)
    except ValueError as error:
        raise ValueError(f"`@every {text}`: {error}") from None
    assert isinstance(interval, timedelta)
    if interval < _LEAST:
        raise ValueError(f"`@every {text}` is too often: at least 10ms")
    return Every(interval)


@dataclass(frozen=True)
class Fields:
    """A cron expression of six fields in a time zone."""

    text: str
    zone: tzinfo
    is_fixed: bool

    def next_after(self, moment: datetime) -> datetime:
        from cronsim import CronSim

        local = moment.astimezone(self.zone)
        if not self.is_fixed:
            return next(CronSim(self.text, local)).astimezone(UTC)
        for naive in CronSim(self.text, local.replace(tzinfo=None)):
            instant = _instant(naive, self.zone)
            if instant > moment:
                return instant
        raise StopIteration

    def latest(self, tick: datetime, now: datetime) -> datetime:
        return max(tick, now)


def _fields(text: str, where: tzinfo) -> Fields:
    from cronsim import CronSimError

    fields = text.replace("?", "*").split()
    if len(fields) not in (5, 6):
        raise ValueError(f"expected 6 fields (sec min hour dom mon dow), or 5, found {len(fields)}; {EXAMPLE}")
    if len(fields) == 5:
        fields.insert(0, "0")
    fields[5] = _WEEK.sub(_days, fields[5].upper())
    is_fixed = not fields[1].startswith("*") and not fields[2].startswith("*")
    schedule = Fields(" ".join(fields), where, is_fixed)
    try:
        schedule.next_after(datetime.now(UTC))
    except CronSimError as error:
        name = str(error).removeprefix("Bad ")
        if name not in _FIELDS:
            raise ValueError(f"{error}; {EXAMPLE}") from None
        found = fields[list(_FIELDS).index(name)]
        raise ValueError(f"`{found}` is not valid as {name} ({_FIELDS[name]}); {EXAMPLE}") from None
    except StopIteration:
        raise ValueError(f"`{text}` names a day that never comes; {EXAMPLE}") from None
    return schedule


_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WEEK = re.compile(
    r"(?<![^,])([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)-([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(?:/([1-7]))?(?![^,])"
)


def _days(found: re.Match[str]) -> str:
    """A range of days of the week as a list: `SAT-SUN`, `MON-SUN` and `FRI-MON` go on into the next week."""
    first, last = (_DAYS.index(day) if day in _DAYS else int(day) for day in found.group(1, 2))
    if first == 7:
        first, last = 0, last % 7
    return ",".join(str(day % 7) for day in range(first, last + (7 if last < first else 0) + 1, int(found[3] or 1)))


def _instant(naive: datetime, where: tzinfo) -> datetime:
    """A local time as an instant: the first of the two if it occurs twice, the end of the gap if it does not exist."""
    while True:
        instant = naive.replace(tzinfo=where).astimezone(UTC)
        if instant.astimezone(where).replace(tzinfo=None) == naive:
            return instant
        naive += timedelta(minutes=1)


# --- time zones --------------------------------------------------------------------------------------------------


def zone(name: str | None) -> tzinfo:
    """The time zone of this IANA name, or the process's own. Raises ValueError with the nearest name."""
    if not name:
        return local_zone()
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        hint = nearest(name, sorted(available_timezones()))
        advice = f"did you mean `{hint}`?" if hint else "write an IANA name such as Europe/Berlin"
        raise ValueError(f"no time zone `{name}`; {advice}") from None


@functools.cache
def local_zone() -> tzinfo:
    """The time zone of the process, with its daylight saving rules: TZ, else the system's."""
    try:
        if name := os.environ.get("TZ", "").removeprefix(":"):
            return ZoneInfo(name)
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (KeyError, ValueError, OSError):
        # A system without zone files: only its present offset is known.
        return datetime.now().astimezone().tzinfo or UTC
