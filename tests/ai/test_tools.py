"""Which tools a list names."""

from __future__ import annotations

import pytest

from octo.ai.tools import fits


@pytest.mark.parametrize(
    ("name", "patterns", "does"),
    [
        ("search", ["search"], True),
        ("search_web", ["read_*", "search_*"], True),
        ("search1", ["search?"], True),
        ("Search", ["search"], False),
        ("search", [], False),
    ],
)
def test_patterns_name_tools(name: str, patterns: list[str], does: bool):
    """Letters count as they are: the names of two tools may differ in their case alone."""
    assert fits(name, patterns) is does
