"""What an author's function returns is a value of a flow, or an error that says why not."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal

import pytest

from octo.blocks.plain import copied, plain
from octo.core import codec
from octo.expr.values import Duration, Timestamp


class Double(float):
    """As numpy's float64."""


class Whole(int):
    """As an IntEnum."""


class Text(str):
    """As a StrEnum."""

    __slots__ = ()


class Astray(tzinfo):
    def utcoffset(self, when):
        return None


def at(**offset):
    return datetime(1890, 1, 1, tzinfo=timezone(timedelta(**offset)))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([Double(1.5), Whole(2), True], "[1.5,2,true]"),
        ({Text("a"): Text("b"), "raw": bytearray(b"x")}, '{"a":"b","raw":"eA=="}'),
        (10**4300 - 1, "9" * 4300),
        ({1: "a", None: "b"}, '{"1":"a","None":"b"}'),
        (at(hours=5, seconds=30), '"1889-12-31T18:59:30Z"'),
        (at(hours=5), '"1890-01-01T00:00:00+05:00"'),
        (
            {"took": timedelta(minutes=90), "when": (datetime(2026, 1, 2, tzinfo=UTC),)},
            '{"took":"5400s","when":["2026-01-02T00:00:00Z"]}',
        ),
    ],
    ids=["derived classes", "derived texts", "digits", "keys", "seconds in an offset", "an offset", "times"],
)
def test_a_result_can_be_written_as_json_and_used_in_expressions(made, expected):
    """Values of derived classes, as libraries make them, become plain ones."""
    value = plain(made)

    assert codec.write(value).decode() == expected
    for each in value if isinstance(value, list) else [value]:
        assert each.__class__ in (dict, str, int, float, bool)


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        (Double("nan"), "nan has no JSON form"),
        ([Decimal("NaN")], "NaN has no JSON form"),
        (Decimal("-Infinity"), "-Infinity has no JSON form"),
        (-(10**4300), "an integer has more than 4300 digits"),
        ({1: 1, "1": 2}, "two keys of a dict are the same text"),
        (datetime(2026, 1, 1, tzinfo=Astray()), "a datetime needs a time zone"),
        (datetime(2026, 1, 1), "a datetime needs a time zone"),  # noqa: DTZ001  that is what is refused
        (at(seconds=30).replace(year=1), "date value out of range"),
    ],
    ids=["a double", "a decimal", "infinity", "digits", "keys", "no offset", "no zone", "too early"],
)
def test_what_has_no_exact_form_is_refused(made, complaint):
    with pytest.raises((ValueError, OverflowError), match=complaint):
        plain(made)


def test_a_function_gets_a_copy_with_times_as_texts():
    value = {"list": [1, {"at": Timestamp(0)}], "took": Duration(10**9)}
    given = copied(value)
    given["list"][1]["new"] = True

    assert given == {"list": [1, {"at": "1970-01-01T00:00:00Z", "new": True}], "took": "1s"}
    assert value == {"list": [1, {"at": Timestamp(0)}], "took": Duration(10**9)}
