"""A length of time is Go's notation or an expression."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from octo.blocks.length import Length, seconds
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.core.settings import Settings


class Wait(Settings):
    length: Length


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("250ms", 0.25),
        ("1h30m", 5400),
        (timedelta(seconds=3), 3),
        ('duration("90s")', 90),
        ("body.pause", 1.5),
        ('duration(body.pause) + duration("1s")', 2.5),
        ('duration("-1s")', -1),
    ],
)
def test_both_ways_of_writing_it_give_seconds(written, expected):
    assert seconds(Wait(length=written).length, Message({"pause": "1.5s"})) == expected


@pytest.mark.parametrize("written", [30, 1.5, True, None, [], "30 s", "soon("])
def test_what_is_neither_is_refused(written):
    with pytest.raises(ValidationError):
        Wait(length=written)


@pytest.mark.parametrize("value", [30, "30", "soon", None, "-1s", [1], "9" * 400 + "h"])
def test_a_value_that_is_no_length_of_time_is_an_error_that_says_what_to_write(value):
    with pytest.raises(Permanent, match="must be a length of time, got"):
        seconds(Wait(length="body").length, Message(value))
