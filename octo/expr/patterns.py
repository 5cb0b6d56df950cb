"""Patterns of dates and times such as `yyyy-MM-dd HH:mm`: the letters of Unicode and Java, names in English."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from octo.expr.errors import CONVERSION, INVALID_ARGUMENT, ExprError, quoted

LONGEST: Final = 200
"""At most this many characters in a pattern, and in a text that is read by one."""
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT_MONTHS = tuple(name[:3] for name in _MONTHS)
_SHORT_DAYS = tuple(name[:3] for name in _DAYS)
_TOKEN = re.compile(r"([A-Za-z])\1*|'(?:[^']|'')*'|[^A-Za-z']+|'")


class Local(NamedTuple):
    """A moment as a calendar and a clock of some place show it, and the nanoseconds within the second."""

    time: datetime
    nanos: int


class Read(NamedTuple):
    """What a text says: a date and time, and the offset from UTC in seconds if there is one."""

    time: datetime
    nanos: int
    offset: int | None


class _Field(NamedTuple):
    """One kind of letters: what it stands for, how it is written, and what it is read by (if it can be)."""

    part: str
    write: Callable[[Local], str]
    pattern: str = ""
    value: Callable[[str], Any] = int


def _two(part: str, read: Callable[[Local], int]) -> dict[int, _Field]:
    """A number that is written with as many digits as there are letters: one or two."""
    return {
        1: _Field(part, lambda local: str(read(local)), "[0-9]{1,2}"),
        2: _Field(part, lambda local: f"{read(local):02d}", "[0-9]{2}"),
    }


def _named(part: str, names: tuple[str, ...], read: Callable[[Local], int]) -> _Field:
    known = {name.lower(): number for number, name in enumerate(names, 1)}
    return _Field(
        part, lambda local: names[read(local) - 1], f"(?i:{'|'.join(names)})", lambda text: known[text.lower()]
    )


def _fraction(digits: int) -> _Field:
    return _Field(
        "fraction",
        lambda local: f"{local.nanos:09d}"[:digits],
        f"[0-9]{{{digits}}}",
        lambda text: int(text.ljust(9, "0")),
    )


def _offset(form: str, zulu: bool, short: bool = False) -> _Field:
    """An offset as +0200 or +02:00, or short as +02; a capital letter means that UTC is written Z."""

    def write(local: Local) -> str:
        minutes = int((local.time.utcoffset() or timedelta(0)).total_seconds()) // 60
        if not minutes and zulu:
            return "Z"
        hours, rest = divmod(abs(minutes), 60)
        sign = "-" if minutes < 0 else "+"
        return f"{sign}{hours:02d}{form}{rest:02d}" if rest or not short else f"{sign}{hours:02d}"

    written = "[+-][0-9]{2}(?:[0-9]{2})?" if short else f"[+-][0-9]{{2}}{form}[0-9]{{2}}"
    return _Field("offset", write, f"Z|{written}" if zulu else written, _seconds)


def _seconds(text: str) -> int:
    digits = text[1:].replace(":", "").ljust(4, "0") if text != "Z" else "0000"
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    return (-1 if text.startswith("-") else 1) * (hours * 60 + minutes) * 60


_FIELDS: dict[str, dict[int, _Field]] = {
    "y": {
        1: _Field("year", lambda local: str(local.time.year), "[0-9]{4}"),
        2: _Field("year", lambda local: f"{local.time.year % 100:02d}", "[0-9]{2}", lambda text: 2000 + int(text)),
        4: _Field("year", lambda local: f"{local.time.year:04d}", "[0-9]{4}"),
    },
    "Q": {1: _Field("quarter", lambda local: str((local.time.month + 2) // 3))},
    "M": {
        **_two("month", lambda local: local.time.month),
        3: _named("month", _SHORT_MONTHS, lambda local: local.time.month),
        4: _named("month", _MONTHS, lambda local: local.time.month),
    },
    "d": _two("day", lambda local: local.time.day),
    "D": {3: _Field("day of the year", lambda local: f"{local.time.timetuple().tm_yday:03d}", "[0-9]{3}")},
    "E": {
        1: _named("weekday", _SHORT_DAYS, lambda local: local.time.isoweekday()),
        3: _named("weekday", _SHORT_DAYS, lambda local: local.time.isoweekday()),
        4: _named("weekday", _DAYS, lambda local: local.time.isoweekday()),
    },
    "e": {1: _Field("weekday", lambda local: str(local.time.isoweekday()), "[1-7]")},
    "Y": {4: _Field("week year", lambda local: f"{local.time.isocalendar().year:04d}", "[0-9]{4}")},
    "w": _two("week", lambda local: local.time.isocalendar().week),
    "H": _two("hour", lambda local: local.time.hour),
    "h": _two("hour of the half day", lambda local: local.time.hour % 12 or 12),
    "a": {1: _named("half day", ("AM", "PM"), lambda local: 1 + local.time.hour // 12)},
    "m": _two("minute", lambda local: local.time.minute),
    "s": _two("second", lambda local: local.time.second),
    "S": {digits: _fraction(digits) for digits in range(1, 10)},
    "X": {1: _offset("", True, short=True), 2: _offset("", True), 3: _offset(":", True)},
    "x": {1: _offset("", False, short=True), 2: _offset("", False), 3: _offset(":", False)},
}
_HINTS = {
    "D": "Write dd for the day of the month, DDD for the day of the year",
    "Y": "Write yyyy; YYYY is the year of an ISO week and goes with ww",
    "Z": "Write XXX for an offset such as Z or +02:00, xx for +0200, or 'Z' in quotes",
    "z": "Write XXX for an offset such as Z or +02:00",
    "T": "Write 'T' in quotes",
    "y": "Write yyyy or yy",
    "M": "Write MM, M, MMM or MMMM",
}
_HOURS = frozenset(("hour", "hour of the half day"))
_DATES = frozenset(("year", "month", "day", "weekday", "day of the year", "week year"))
_USUAL = "Letters are those of Java: yyyy-MM-dd'T'HH:mm:ss.SSSXXX; other text is in single quotes"


class Pattern:
    """A pattern that is understood: `write` a moment, or `read` a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pieces = _pieces(text)
        self.fields = [each for each in self.pieces if isinstance(each, _Field)]

    def write(self, local: Local) -> str:
        return "".join(each if isinstance(each, str) else each.write(local) for each in self.pieces)

    def read(self, text: str) -> Read:
        """What the text says. What the pattern lacks is the first of a year and midnight; it must have a year."""
        found = self._expression().fullmatch(text) if len(text) <= LONGEST else None
        if found is None:
            raise ExprError(CONVERSION, f"not a time as {self.text}: {quoted(text)}")
        try:
            said = {field.part: field.value(part) for field, part in zip(self.fields, found.groups(), strict=True)}
            return Read(_time(said), said.get("fraction", 0), said.get("offset"))
        except (ValueError, OverflowError):
            raise ExprError(CONVERSION, f"no such time: {quoted(text)}") from None

    def _expression(self) -> "re.Pattern[str]":
        parts = {each.part for each in self.fields}
        if not parts & {"year", "week year"} or "quarter" in parts:
            raise ExprError(
                INVALID_ARGUMENT, f"no time can be read as {quoted(self.text)}: a pattern to read by has yyyy and no Q"
            )
        return _compiled(
            "".join(re.escape(each) if isinstance(each, str) else f"({each.pattern})" for each in self.pieces)
        )


_compiled = lru_cache(maxsize=256)(re.compile)


def _time(said: dict[str, Any]) -> datetime:
    if "week year" in said:
        day = date.fromisocalendar(said["week year"], said.get("week", 1), said.get("weekday", 1))
    elif "day of the year" in said:
        day = date(said["year"], 1, 1) + timedelta(days=said["day of the year"] - 1)
        if day.year != said["year"]:
            raise ValueError(day)
    else:
        day = date(said["year"], said.get("month", 1), said.get("day", 1))
    shown = {"month": day.month, "day": day.day, "weekday": day.isoweekday()}
    if any(said.get(part, number) != number for part, number in shown.items()):
        raise ValueError(day)
    hour = said.get("hour", 0)
    if "half day" in said:
        if not 1 <= said["hour of the half day"] <= 12:
            raise ValueError(said)
        hour = said["hour of the half day"] % 12 + 12 * (said["half day"] - 1)
    return datetime(day.year, day.month, day.day, hour, said.get("minute", 0), said.get("second", 0))  # noqa: DTZ001


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern:
    """The pattern that this text is. Raises ExprError, with what was probably meant."""
    return Pattern(text)


def _pieces(text: str) -> list[str | _Field]:
    if len(text) > LONGEST:
        raise ExprError(INVALID_ARGUMENT, f"a pattern of a time has at most {LONGEST} characters")
    if "%" in text:
        raise _unknown(text, "% is not used", _USUAL)
    pieces: list[str | _Field] = []
    for found in _TOKEN.finditer(text):
        letters = found[0]
        if letters == "'":
            raise _unknown(text, "a quote does not end", "Two quotes stand for one")
        if letters.startswith("'"):
            pieces.append(letters[1:-1].replace("''", "'") if len(letters) > 2 else "'")
        elif found[1]:
            field = _FIELDS.get(letters[0], {}).get(len(letters))
            if field is None:
                raise _unknown(text, f"{quoted(letters)} is not known", _HINTS.get(letters[0], _USUAL))
            pieces.append(field)
        else:
            pieces.append(letters)
    _check(text, [each.part for each in pieces if isinstance(each, _Field)])
    return pieces


def _check(text: str, parts: list[str]) -> None:
    """Refuse what is a slip in every language that has these letters: it gives a wrong time and no error."""
    twice = next((part for part in parts if parts.count(part) > 1), "")
    if twice:
        hint = "MM is the month, mm the minute" if twice in {"month", "minute"} else ""
        raise _unknown(text, f"the {twice} is there twice", hint)
    if not parts:
        raise _unknown(text, "it has no letters", _USUAL)
    if "week year" in parts and "week" not in parts:
        raise _unknown(text, "'YYYY' is not known", _HINTS["Y"])
    if ("week" in parts and "year" in parts) or ("half day" in parts) != ("hour of the half day" in parts):
        clash = "'ww' goes with YYYY" if "week" in parts and "year" in parts else "'hh' and 'a' go together"
        raise _unknown(text, clash, "Write HH for the hours from 00 to 23" if "'a'" in clash else "")
    for letters, why, hint in _misplaced(parts):
        raise _unknown(text, f"{letters!r} is the {why}", hint)


def _misplaced(parts: list[str]) -> Iterator[tuple[str, str, str]]:
    """The letters that cannot be meant where they are: MM for minutes, mm for the month, SS for seconds."""
    hour = next((at for at, part in enumerate(parts) if part in _HOURS), None)
    if "minute" in parts and hour is None and _DATES & set(parts):
        yield "mm", "minute", "Write MM for the month" if "month" not in parts else "Write HH:mm"
    if hour is not None and "minute" not in parts and parts[hour + 1 : hour + 2] == ["month"]:
        yield "MM", "month", "Write mm for the minute"
    if "fraction" in parts and "second" not in parts and "minute" in parts:
        yield "S", "fraction of a second", "Write ss for the second"
    if "second" in parts and "minute" not in parts and (hour is not None or "month" in parts):
        yield "ss", "second", "Write mm for the minute"


def _unknown(text: str, why: str, hint: str) -> ExprError:
    return ExprError(INVALID_ARGUMENT, f"{quoted(text)} is no pattern of a time: {why}", hint=hint)
