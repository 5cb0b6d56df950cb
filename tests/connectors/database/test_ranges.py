"""Ranges as text; `test_postgres.py` tries them on a server."""

from types import SimpleNamespace

import pytest

from octo.connectors.database import ranges


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (None, "empty"),
        (("1", "5", True, False), "[1,5)"),
        ((None, None, False, False), "(,)"),
        (("", "a,b", True, True), '["","a,b"]'),
        (('"', "\\", False, True), r'("""","\\"]'),
        (("20000-01-01 00:00:00", None, True, False), '["20000-01-01 00:00:00",)'),
    ],
)
def test_every_range_is_read_back(bounds, text):
    lower, upper, lower_inc, upper_inc = bounds or (None, None, False, False)
    value = SimpleNamespace(isempty=not bounds, lower=lower, upper=upper, lower_inc=lower_inc, upper_inc=upper_inc)
    assert ranges.written(value, str) == text
    assert ranges.read(text) == bounds


@pytest.mark.parametrize("text", ["", "1,5", "[1,5", "[1,5,6)", "[(1,2)", '["1,5)', "[1,5)x"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        ranges.read(text)
