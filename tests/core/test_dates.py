"""Dates in headers: what is read, and what is no date."""

from __future__ import annotations

import time

import pytest

from octo.core.dates import FOREVER, pause_of, seconds_of


@pytest.fixture
def in_tokyo(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:16:45 GMT", 1005.0),
        ("Thursday, 01-Jan-70 00:16:45 GMT", 1005.0),
        ("Thu Jan  1 00:16:45 1970", 1005.0),
        ("Thu, 01 Jan 1970 01:16:45 +0100", 1005.0),
        ("Thu, 01 Jan 1970 00:16:45 -0000", 1005.0),
        ("Wed, 31 Dec 1969 23:59:00 GMT", -60.0),
    ],
)
def test_dates_are_read_in_every_form(text, seconds, in_tokyo):
    """RFC 9110 has three; the zone of this machine plays no part."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "soon",
        "-1",
        "Thu, 01 Jan 1970 00:00:00 +99999999999999",
        "Thu, 01 Jan 1970 00:00:00 -99999999999999",
        "Thu, 01 Jan 1970 00:00:00 +9999",
        "Thu, 01 Jan 99999 00:00:00 GMT",
        "Thu, 31 Feb 2026 00:00:00 GMT",
        "Thu, 01 Jan 2026 99:99:99 GMT",
        "Thu, 01 Jan " + "9" * 5000 + " 00:00:00 GMT",
        "\u0661\u0662",
        "\udce9",
        ",,,",
    ],
)
def test_what_is_no_date_is_none(text):
    """Whatever a server writes."""
    assert seconds_of(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("Sat, 01 Jan 2000 00:00:30 GMT", 30.0),
        ("Fri, 31 Dec 1999 00:00:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("nan", None),
        ("9" * 400, FOREVER),
        ("soon", None),
    ],
)
def test_a_pause_is_a_number_or_a_date(text, seconds):
    """What is not usable, a server may as well not have said."""
    assert pause_of(text, 946_684_800.0) == seconds
