"""Preconditions and ranges, by the letter of RFC 9110."""

from __future__ import annotations

import pytest

from octo.connectors.http.conditions import NOTHING, Part, Version, part, status
from octo.connectors.http.head import Headers

TAG = '"abc"'
NOW = Version(TAG, 1_700_000_000)
WEAK = Version(f"W/{TAG}", NOW.second)
SAME, BEFORE, AFTER = "Tue, 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:19 GMT", "Tue, 14 Nov 2023 22:13:21 GMT"


def given(**headers: str) -> Headers:
    return Headers((name.replace("_", "-"), value) for name, value in headers.items())


def test_the_date_of_a_version():
    assert NOW.date == SAME


@pytest.mark.parametrize(
    ("headers", "version", "expected"),
    [
        ({}, NOW, 200),
        ({"if_none_match": TAG}, NOW, 304),
        ({"if_none_match": f"W/{TAG}"}, NOW, 304),
        ({"if_none_match": TAG}, WEAK, 304),
        ({"if_none_match": f'"x", {TAG}'}, NOW, 304),
        ({"if_none_match": "*"}, NOW, 304),
        ({"if_none_match": '"x"'}, NOW, 200),
        ({"if_none_match": '"a,b", "c"'}, Version('"a,b"', 0), 304),
        ({"if_none_match": "abc"}, NOW, 200),
        ({"if_none_match": '"x"', "if_modified_since": SAME}, NOW, 200),
        ({"if_modified_since": SAME}, NOW, 304),
        ({"if_modified_since": AFTER}, NOW, 304),
        ({"if_modified_since": BEFORE}, NOW, 200),
        ({"if_modified_since": "yesterday"}, NOW, 200),
        ({"if_modified_since": ""}, NOW, 200),
        ({"if_match": TAG}, NOW, 200),
        ({"if_match": "*"}, NOW, 200),
        ({"if_match": '"x"'}, NOW, 412),
        ({"if_match": f"W/{TAG}"}, WEAK, 412),
        ({"if_match": TAG, "if_unmodified_since": BEFORE}, NOW, 200),
        ({"if_match": TAG, "if_none_match": TAG}, NOW, 304),
        ({"if_unmodified_since": BEFORE}, NOW, 412),
        ({"if_unmodified_since": SAME}, NOW, 200),
    ],
)
def test_preconditions(headers, version, expected):
    """The tag counts before the date; only a strong one for what changes something, or puts parts together."""
    assert status(given(**headers), version) == expected


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ("bytes=0-0", Part(0, 1)),
        ("bytes=2-5", Part(2, 6)),
        ("bytes=2-", Part(2, 10)),
        ("bytes=2-99", Part(2, 10)),
        ("bytes=-3", Part(7, 10)),
        ("bytes=-99", Part(0, 10)),
        ("Bytes=0-4", Part(0, 5)),
        ("bytes=10-", NOTHING),
        ("bytes=99-100", NOTHING),
        ("bytes=-0", NOTHING),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=0-99999999999999999999", None),
        ("", None),
    ],
)
def test_ranges_of_ten_bytes(range_, expected):
    """What is none is ignored, and of several none is sent but the whole."""
    assert part(given(range=range_), NOW, 10) == expected


def test_no_range_of_an_empty_file():
    assert part(given(range="bytes=0-"), NOW, 0) == NOTHING
    assert part(given(range="bytes=-1"), NOW, 0) == NOTHING
    assert part(given(), NOW, 0) is None


@pytest.mark.parametrize(
    ("condition", "version", "is_part"),
    [
        (TAG, NOW, True),
        ('"x"', NOW, False),
        (f"W/{TAG}", WEAK, False),
        (SAME, NOW, True),
        (AFTER, NOW, False),
        (SAME, WEAK, False),
        ("nonsense", NOW, False),
    ],
)
def test_a_range_of_another_version_is_not_sent(condition, version, is_part):
    """The client would put two files together."""
    assert (part(given(range="bytes=0-1", if_range=condition), version, 10) is not None) is is_part


def test_two_ranges_are_no_range():
    """Two headers, which servers read differently."""
    assert part(Headers([("range", "bytes=0-1"), ("range", "bytes=2-3")]), NOW, 10) is None
