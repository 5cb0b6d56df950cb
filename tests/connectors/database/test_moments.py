"""PostgreSQL's times as text and as the server's numbers; `test_postgres.py` compares them with the server's."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from octo.connectors.database import moments

DAY = 86_400_000_000
DAYS = (-2_451_545, 2_145_031_948)
"""From 4714-11-24 BC to 5874897-12-31."""


def test_every_text_is_read_back():
    """Days, moments and spans over their whole range."""
    any_ = random.Random(7)
    for _ in range(3000):
        days, at = any_.randrange(*DAYS), any_.randrange(-211_813_488 * 10**9, 9_223_371_331_200 * 10**6)
        span = any_.randrange(-30, 30), any_.randrange(-5, 5), any_.randrange(-(10**11), 10**11)
        assert moments.read_day(moments.day(days)) == days
        assert moments.read_moment(moments.moment(at)) == moments.read_moment(moments.instant(at)) == at
        assert moments.span(*moments.read_span(moments.span(*span))) == moments.span(*span)


def test_within_pythons_years_the_text_is_rfc_3339():
    any_, zero = random.Random(7), datetime(2000, 1, 1, tzinfo=UTC)
    for _ in range(1000):
        at = any_.randrange(-730_119 * DAY, 2_921_940 * DAY)
        moment = zero + timedelta(microseconds=at)
        assert moments.instant(at) == moment.isoformat().replace("+00:00", "Z")
        assert moments.day(at // DAY) == moment.date().isoformat()


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ((0, 0, 0), "0s"),
        ((0, 1, 0), "86400s"),
        ((0, -1, 1), "-86399.999999s"),
        ((1, 0, 0), "1 mon"),
        ((-13, 2, -1), "-1 years -1 mons +2 days -00:00:00.000001"),
        ((2**31 - 1, 2**31 - 1, 2**63 - 1), "infinity"),
        ((-(2**31), -(2**31), -(2**63)), "-infinity"),
    ],
)
def test_a_span_with_months_has_no_length_in_seconds(span, text):
    """Without months a day counts as 24 hours, so that CEL's `duration()` reads it."""
    assert moments.span(*span) == text
    assert moments.span(*moments.read_span(text)) == text


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (moments.read_day, "2026-01-31garbage"),
        (moments.read_day, "2026-02-29"),
        (moments.read_day, "0000-01-01"),
        (moments.read_day, "20000-1-1"),
        (moments.read_day, "٢٠٢٦-01-31"),
        (moments.read_moment, "20000-01-01 25:00:00"),
        (moments.read_moment, "20000-01-01 00:00:00+16"),
        (moments.read_moment, "now"),
        (moments.read_clock, "24:00:00.000001"),
        (moments.read_clock, "12:60"),
        (moments.read_clock, "12:00+01:00"),
        (moments.read_zoned_clock, "12:00+1"),
        (moments.read_span, ""),
        (moments.read_span, "1.5 mons"),
        (moments.read_span, "5"),
    ],
)
def test_what_is_no_time_is_refused(read, text):
    with pytest.raises(ValueError, match=r".*"):
        read(text)
