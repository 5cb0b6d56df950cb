"""Time zones, and the first and last time that a timestamp can be."""

import pytest


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
