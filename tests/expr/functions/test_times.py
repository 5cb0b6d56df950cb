"""Time zones, and the first and last time that a timestamp can be."""

import pytest

from octo.expr.functions import times


@pytest.mark.parametrize(
    ("zone", "hour"),
    [("-02:00", 22), ("+02:00", 2), ("02:00", 2), ("-00:30", 23), ("", 0), ("UTC", 0), ("America/New_York", 19)],
)
def test_an_offset_has_a_sign(evaluate, zone, hour):
    assert evaluate(f'timestamp("2024-03-01T00:00:00Z").getHours("{zone}")') == hour


def test_half_an_hour_back_is_half_an_hour(evaluate):
    assert evaluate('timestamp("2024-03-01T00:00:00Z").getMinutes("-00:30")') == 30


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-03-01T00:00:00-02:30", "2024-03-01T02:30:00Z"),
        ("2024-03-01T00:00:00+02:30", "2024-02-29T21:30:00Z"),
        ("2024-03-01T00:00:00.5Z", "2024-03-01T00:00:00.500Z"),
        ("2024-03-01T23:59:59Z", "2024-03-01T23:59:59Z"),
    ],
)
def test_a_timestamp_of_another_zone_is_the_same_moment(evaluate, text, utc):
    assert evaluate(f'timestamp("{text}") == timestamp("{utc}")') is True


@pytest.mark.parametrize("text", ["24:00:00", "23:60:00", "23:59:60"])
def test_what_is_no_time_of_day_is_refused(failure, text):
    assert "is no time of day" in failure("timestamp(body)", f"2024-03-01T{text}Z").message


@pytest.mark.parametrize("offset", ["+24:00", "-24:00", "+99:99", "+23:60", "+00:60"])
def test_an_offset_goes_from_00_00_to_23_59(failure, offset):
    assert "no valid offset" in failure("timestamp(body)", f"2024-03-01T00:00:00{offset}").message
    assert "unknown time zone" in failure("timestamp(0).getHours(body)", offset).message


def test_the_largest_offsets_are_offsets(evaluate):
    assert evaluate('timestamp("2024-03-01T00:00:00+23:59") == timestamp("2024-02-29T00:01:00Z")') is True
    assert evaluate('timestamp(0).getMinutes("-23:59")') == 1


@pytest.mark.parametrize(
    ("moment", "zone", "parts"),
    [
        ("9999-12-31T23:59:59Z", "+01:00", [10000, 0, 1, 6, 0, 0, 59]),
        ("9999-12-31T23:59:59Z", "Asia/Tokyo", [10000, 0, 1, 6, 0, 8, 59]),
        ("9999-12-31T23:59:59Z", "-01:00", [9999, 11, 31, 5, 364, 22, 59]),
        ("0001-01-01T00:00:00Z", "-01:00", [0, 11, 31, 0, 365, 23, 0]),
        ("0001-01-01T00:00:00Z", "+01:00", [1, 0, 1, 1, 0, 1, 0]),
    ],
)
def test_local_time_goes_beyond_the_years_of_timestamps(evaluate, moment, zone, parts):
    read = ["FullYear", "Month", "Date", "DayOfWeek", "DayOfYear", "Hours", "Minutes"]
    assert [evaluate(f'timestamp("{moment}").get{part}("{zone}")') for part in read] == parts


class Short:
    """A pattern that refuses to look at long texts."""

    def match(self, text, position):
        assert len(text) <= 200
        return times_pattern.match(text, position)


times_pattern = times._DURATION


@pytest.mark.parametrize("text", ["1" * 15_000, "1h" * 8_000, "." * 15_000, "-" + "1" * 201 + "h"])
def test_a_long_text_is_no_duration_and_no_pattern_reads_it(failure, monkeypatch, text):
    """A search through a long run of digits is quadratic: 15 KB took 12 seconds."""
    monkeypatch.setattr(times, "_DURATION", Short())
    assert failure("duration(body)", text).code == "OCTO-E206"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h30m", 5400), ("+1.5s", 1), ("-.5h", -1800), ("0", 0), ("-0", 0), ("1h" * 100, 360_000)],
)
def test_a_duration_is_the_sum_of_its_parts(evaluate, text, seconds):
    assert evaluate("duration(body).getSeconds()", text) == seconds


@pytest.mark.parametrize("text", ["", "-", "+-1h", "--1h", "1", "1h ", "h", "1h2"])
def test_what_is_no_duration_is_refused(failure, text):
    assert failure("duration(body)", text).code == "OCTO-E206"


AT = 'timestamp("2024-01-02T03:04:05.5+02:00")'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"string({AT})", "2024-01-02T03:04:05.5+02:00"),
        ('string(timestamp("2024-01-02T03:04:05-03:30"))', "2024-01-02T03:04:05-03:30"),
        ('string(timestamp("2024-01-02T03:04:05+00:00"))', "2024-01-02T03:04:05Z"),
        (f'string({AT} + duration("1h"))', "2024-01-02T04:04:05.5+02:00"),
        (f'string(duration("1h") + {AT})', "2024-01-02T04:04:05.5+02:00"),
        (f'string({AT} - duration("4h"))', "2024-01-01T23:04:05.5+02:00"),
        (f"toJson([{AT}])", '["2024-01-02T03:04:05.5+02:00"]'),
        (f'"%s".format([{AT}])', "2024-01-02T03:04:05.5+02:00"),
        (f"{AT}.getHours()", 1),
        (f'{AT} == timestamp("2024-01-02T01:04:05.5Z")', True),
        (f'[{AT}, timestamp("2024-01-02T01:04:05.5Z")].distinct().size()', 1),
        (f'string({AT} - timestamp("2024-01-02T01:04:05.5Z"))', "0s"),
        ('string(timestamp("9999-12-31T23:30:00+02:00") + duration("1h30m"))', "9999-12-31T23:00:00Z"),
    ],
)
def test_a_timestamp_is_written_with_the_offset_it_was_read_with(evaluate, text, value):
    assert evaluate(text) == value
