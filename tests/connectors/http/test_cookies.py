"""Cookies of requests."""

from __future__ import annotations

import pytest

from octo.connectors.http import cookies


@pytest.mark.parametrize(
    ("headers", "values"),
    [
        (["a=1"], ["1"]),
        (["b=2; a=1"], ["1"]),
        (["a=1; a=2"], ["1", "2"]),
        (["a=1", "a=2"], ["1", "2"]),
        (['a="1"'], ["1"]),
        (["a=x=y"], ["x=y"]),
        (["a="], [""]),
        (["A=1", "aa=1", "a"], [""]),
        ([], []),
    ],
)
def test_read(headers, values):
    """Every cookie of the name, as it was sent; names differ by case."""
    assert cookies.read(headers, "a") == values
