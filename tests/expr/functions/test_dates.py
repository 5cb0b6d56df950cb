"""Arithmetic with days and months where clocks change, and at the ends of months and of time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from octo.expr import Scope, compile  # noqa: A004 - the name of the API
from octo.expr.values import SECOND, Timestamp

BERLIN = "Europe/Berlin"


def at(text):
    return f'timestamp("{text}")'


@pytest.mark.parametrize(
    ("start", "amount", "unit", "zone", "end"),
    [
        # Berlin: 2024-03-31 has 23 hours, 2024-10-27 has 25.
        ("2024-03-30T12:00:00+01:00", 1, "day", BERLIN, "2024-03-31T12:00:00+02:00"),
        ("2024-03-30T12:00:00+01:00", 24, "hours", BERLIN, "2024-03-31T13:00:00+02:00"),
        ("2024-03-30T02:30:00+01:00", 1, "day", BERLIN, "2024-03-31T03:30:00+02:00"),
        ("2024-10-26T02:30:00+02:00", 1, "day", BERLIN, "2024-10-27T02:30:00+02:00"),
        ("2024-10-28T02:30:00+01:00", -1, "day", BERLIN, "2024-10-27T02:30:00+01:00"),
        ("2024-10-27T02:30:00+01:00", 0, "days", BERLIN, "2024-10-27T02:30:00+01:00"),
        ("2024-10-27T02:30:00+02:00", 1, "hour", BERLIN, "2024-10-27T02:30:00+01:00"),
        ("2024-10-20T12:00:00+02:00", 1, "week", BERLIN, "2024-10-27T12:00:00+01:00"),
        ("2024-01-31T12:00:00+01:00", 1, "month", BERLIN, "2024-02-29T12:00:00+01:00"),
        ("2023-01-31T12:00:00Z", 1, "month", "", "2023-02-28T12:00:00Z"),
        ("2024-02-29T12:00:00Z", 1, "year", "", "2025-02-28T12:00:00Z"),
        ("2024-02-29T12:00:00Z", -4, "years", "", "2020-02-29T12:00:00Z"),
        ("2024-11-30T12:00:00Z", 1, "quarter", "", "2025-02-28T12:00:00Z"),
        ("2024-01-31T00:30:00+02:00", 1, "month", "", "2024-02-29T00:30:00+02:00"),
        ("2024-01-31T12:00:00.123456789Z", 1, "month", "", "2024-02-29T12:00:00.123456789Z"),
        ("2024-01-31T12:00:00Z", 1500, "milliseconds", "", "2024-01-31T12:00:01.5Z"),
        ("2024-01-31T12:00:00Z", 1, "day", "+05:30", "2024-02-01T17:30:00+05:30"),
        # Samoa had no 2011-12-30.
        ("2011-12-29T12:00:00-10:00", 1, "day", "Pacific/Apia", "2011-12-31T12:00:00+14:00"),
    ],
)
def test_days_and_months_keep_the_local_time(evaluate, start, amount, unit, zone, end):
    assert str(evaluate(f'{at(start)}.add({amount}, "{unit}", "{zone}")')) == end


@pytest.mark.parametrize(
    ("time", "unit", "zone", "start"),
    [
        ("2024-08-15T12:34:56.7Z", "year", "", "2024-01-01T00:00:00Z"),
        ("2024-08-15T12:34:56.7Z", "quarter", "", "2024-07-01T00:00:00Z"),
        ("2024-08-15T12:34:56.7Z", "months", "", "2024-08-01T00:00:00Z"),
        ("2024-08-15T12:34:56.7Z", "week", "", "2024-08-12T00:00:00Z"),
        ("2024-08-15T12:34:56.7Z", "day", BERLIN, "2024-08-15T00:00:00+02:00"),
        ("2024-08-15T23:34:56.7Z", "day", BERLIN, "2024-08-16T00:00:00+02:00"),
        ("2024-08-15T12:34:56.7Z", "hour", "Asia/Kolkata", "2024-08-15T18:00:00+05:30"),
        ("2024-08-15T12:34:56.7Z", "minute", "", "2024-08-15T12:34:00Z"),
        ("2024-08-15T12:34:56.7Z", "second", "", "2024-08-15T12:34:56Z"),
        ("2024-03-31T12:00:00Z", "day", BERLIN, "2024-03-31T00:00:00+01:00"),
        ("2024-10-27T01:30:00Z", "hour", BERLIN, "2024-10-27T02:00:00+01:00"),
        ("2024-10-27T00:30:00Z", "hour", BERLIN, "2024-10-27T02:00:00+02:00"),
        # In Beirut there was no midnight; in Havana there were two.
        ("2024-03-31T12:00:00Z", "day", "Asia/Beirut", "2024-03-31T01:00:00+03:00"),
        ("2024-11-03T12:00:00Z", "day", "America/Havana", "2024-11-03T00:00:00-04:00"),
        ("0001-01-03T12:00:00Z", "week", "", "0001-01-01T00:00:00Z"),
    ],
)
def test_the_start_of_a_unit(evaluate, time, unit, zone, start):
    assert str(evaluate(f'{at(time)}.startOf("{unit}", "{zone}")')) == start


@pytest.mark.parametrize(
    ("last", "first", "unit", "zone", "count"),
    [
        ("2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00", "days", BERLIN, -1),
        ("2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00", "hours", BERLIN, -23),
        ("2024-10-27T02:10:00+01:00", "2024-10-27T02:50:00+02:00", "days", BERLIN, 0),
        ("2024-03-01T00:00:00Z", "2024-02-01T00:00:00.000000001Z", "months", "", 0),
        ("2024-03-01T00:00:00Z", "2024-02-01T00:00:00Z", "months", "", 1),
        ("2024-02-29T00:00:00Z", "2024-01-31T00:00:00Z", "months", "", 1),
        ("2025-02-28T00:00:00Z", "2024-02-29T00:00:00Z", "years", "", 1),
        ("2025-02-27T23:59:59Z", "2024-02-29T00:00:00Z", "years", "", 0),
        ("2024-12-31T00:00:00Z", "2024-01-01T00:00:00Z", "quarters", "", 3),
        ("2024-01-15T00:00:00Z", "2024-01-01T00:00:00Z", "weeks", "", 2),
        ("2024-01-14T23:59:59.9Z", "2024-01-01T00:00:00Z", "weeks", "", 1),
        ("2024-01-01T00:00:01.9Z", "2024-01-01T00:00:00Z", "seconds", "", 1),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:01.9Z", "seconds", "", -1),
        ("9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z", "days", "", 3_652_058),
    ],
)
def test_whole_units_between(evaluate, last, first, unit, zone, count):
    assert evaluate(f'{at(last)}.diff({at(first)}, "{unit}", "{zone}")') == count


@pytest.mark.parametrize(
    ("text", "pattern", "zone", "time"),
    [
        ("2024-07-01 12:00", "yyyy-MM-dd HH:mm", BERLIN, "2024-07-01T12:00:00+02:00"),
        ("2024-01-01 12:00", "yyyy-MM-dd HH:mm", BERLIN, "2024-01-01T12:00:00+01:00"),
        ("2024-03-31 02:30", "yyyy-MM-dd HH:mm", BERLIN, "2024-03-31T03:30:00+02:00"),
        ("2024-10-27 02:30", "yyyy-MM-dd HH:mm", BERLIN, "2024-10-27T02:30:00+02:00"),
        ("2024-07-01 12:00 -0500", "yyyy-MM-dd HH:mm xx", BERLIN, "2024-07-01T12:00:00-05:00"),
        ("Thu, 29 Feb 2024 12:00:00 GMT", "EEE, dd MMM yyyy HH:mm:ss 'GMT'", "UTC", "2024-02-29T12:00:00Z"),
        # The clocks of Amsterdam were once 19 minutes and 32 seconds ahead: no offset can be written so.
        ("1900-01-01", "yyyy-MM-dd", "Europe/Amsterdam", None),
    ],
)
def test_a_text_without_an_offset_is_a_local_time(evaluate, text, pattern, zone, time):
    found = evaluate(f'timestamp(body, "{pattern}", "{zone}")', text)

    assert found.offset % 60 == 0
    assert time is None or str(found) == time


def test_a_time_is_formatted_in_its_own_offset_or_in_a_zone(evaluate):
    written = 'timestamp("2024-02-29T23:30:00-03:00").format("yyyy-MM-dd HH:mm XXX"{})'

    assert evaluate(written.format("")) == "2024-02-29 23:30 -03:00"
    assert evaluate(written.format(', "UTC"')) == "2024-03-01 02:30 Z"
    assert evaluate(written.format(', "Asia/Kathmandu"')) == "2024-03-01 08:15 +05:45"


@pytest.mark.parametrize(("time", "week"), [("2020-12-31T23:00:00Z", 53), ("2021-01-03T00:00:00Z", 53)])
def test_the_week_is_that_of_iso(evaluate, time, week):
    assert evaluate(f"{at(time)}.getISOWeek()") == week
    assert evaluate(f'{at(time)}.getISOWeek("Asia/Tokyo")') == 53


@pytest.mark.parametrize("time", ["1969-12-31T23:59:59.999Z", "2024-02-29T12:00:00.25Z", "0001-01-01T00:00:00Z"])
def test_milliseconds_since_1970_come_back(evaluate, time):
    assert evaluate(f"fromEpochMillis({at(time)}.toEpochMillis()) == {at(time)}") is True
    assert evaluate(f"{at('1969-12-31T23:59:59.9999Z')}.toEpochMillis()") == -1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f'{at("9999-12-31T12:00:00Z")}.add(1, "day")', "OCTO-E204"),
        (f'{at("9999-12-31T12:00:00Z")}.add(1, "month")', "OCTO-E204"),
        (f'{at("9999-12-31T12:00:00Z")}.add(body, "year")', "OCTO-E204"),
        (f'{at("9999-12-31T12:00:00Z")}.add(-body, "day")', "OCTO-E204"),
        (f'{at("9999-12-31T12:00:00Z")}.add(body, "hour")', "OCTO-E204"),
        (f'{at("9999-12-31T23:30:00Z")}.format("yyyy", "Asia/Tokyo")', "OCTO-E204"),
        (f'{at("9999-12-31T23:30:00Z")}.startOf("day", "Asia/Tokyo")', "OCTO-E204"),
        (f'{at("0001-01-01T00:30:00Z")}.startOf("day", "-01:00")', "OCTO-E204"),
        ('timestamp("9999-12-31 23", "yyyy-MM-dd HH", "-05:00")', "OCTO-E204"),
        ("fromEpochMillis(body)", "OCTO-E204"),
        (f'{at("2024-01-01T00:00:00Z")}.startOf("millisecond")', "OCTO-E209"),
        (f'{at("2024-01-01T00:00:00Z")}.format("yyyy", "Mars/Base")', "OCTO-E209"),
        (f'{at("2024-01-01T00:00:00Z")}.add(1, body > 0 ? "fortnight" : "")', "OCTO-E209"),
        (f'{at("2024-01-01T00:00:00Z")}.format(body > 0 ? "YYYY" : "")', "OCTO-E209"),
    ],
)
def test_what_is_beyond_time_is_an_error(failure, text, code):
    assert failure(text, 9_000_000_000_000_000_000).code == code


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ('body.format("yyyy-mm-dd")', 13, "'mm' is the minute"),
        ('timestamp(body, "YYYY-MM-dd")', 17, "'YYYY' is not known"),
        ('body.add(1, "dys")', 13, "unknown unit of time 'dys'. Did you mean 'days'?"),
        ('body.startOf("fortnight")', 14, "unknown unit of time 'fortnight'. Units are month, quarter"),
        ('body.diff(now, "daay")', 16, "Did you mean 'day'?"),
    ],
)
def test_a_literal_that_cannot_be_is_found_when_the_expression_is_built(failure, text, column, message):
    error = failure(text)

    assert (error.code, error.line, error.column) == ("OCTO-E209", 1, column)
    assert message in str(error)


def test_utc_needs_no_database_of_zones(evaluate, monkeypatch):
    monkeypatch.setattr("zoneinfo.ZoneInfo", None)

    assert evaluate('timestamp("2024-02-29", "yyyy-MM-dd").format("dd", "UTC")') == "29"


def test_times_of_a_message_are_timestamps(evaluate):
    assert evaluate('body.at.format("yyyy")', {"at": Timestamp(0)}) == "1970"
    assert evaluate('body.text.format(["a"])', {"text": "%s"}) == "a"


# -- laws, against the clocks of Python's zones

ZONES = st.sampled_from(
    (BERLIN, "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca")
)
SECONDS = st.integers(-2_208_988_800, 4_102_444_800)  # 1900 to 2100
SCOPE = Scope(("v", "w", "n", "u", "z"), {name: name for name in "vwnuz"})
ADDED, STARTED, BETWEEN = (compile(text, SCOPE) for text in ("v.add(n, u, z)", "v.startOf(u, z)", "v.diff(w, u, z)"))


def shown(seconds, zone):
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))


def stamp(moment):
    return Timestamp(round(moment.timestamp()) * SECOND)


@given(SECONDS, st.integers(-500, 500), st.sampled_from(["day", "week"]), ZONES)
def test_days_later_the_clock_shows_the_same(seconds, amount, unit, zone):
    """Where it shows that twice, with the offset from before if it may; where it never does, after the gap."""
    local = shown(seconds, zone)
    wanted = local.replace(fold=0) + timedelta(days=amount * (7 if unit == "week" else 1))
    again = wanted.replace(fold=1)
    if again.utcoffset() < wanted.utcoffset() and again.utcoffset() == local.utcoffset():
        wanted = again

    assert ADDED(Timestamp(seconds * SECOND), None, amount, unit, zone) == stamp(wanted)


@given(SECONDS, st.sampled_from(["year", "quarter", "month", "week", "day", "hour", "minute", "second"]), ZONES)
def test_a_unit_has_one_start(seconds, unit, zone):
    """It is not later than any moment of the unit, and its own start."""
    start = STARTED(Timestamp(seconds * SECOND + 5), None, 0, unit, zone)

    assert start.nanos <= seconds * SECOND
    assert STARTED(start, None, 0, unit, zone) == start


@given(SECONDS, SECONDS, st.sampled_from(["year", "quarter", "month", "week", "day", "hour"]))
def test_what_lies_between_two_times_can_be_added(first, second, unit):
    """As many units as fit, and no one more."""
    first, last = (Timestamp(each * SECOND) for each in sorted((first, second)))
    count = BETWEEN(last, first, 0, unit, "")

    assert BETWEEN(first, last, 0, unit, "") == -count
    assert ADDED(first, None, count, unit, "") <= last < ADDED(first, None, count + 1, unit, "")
