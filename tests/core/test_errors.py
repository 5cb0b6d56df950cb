"""Problems sort by place and print in one form."""

from __future__ import annotations

from octo.core.errors import ConfigError, Position, Problem


def test_a_config_error_lists_all_problems_by_place():
    late = Problem("OCTO-C101", Position("b.yaml", 2, 1), "two", "do that")
    early = Problem("OCTO-C101", Position("a.yaml", 9, 4), "one")

    assert str(ConfigError([late, early])) == ("a.yaml:9:4: OCTO-C101: one\nb.yaml:2:1: OCTO-C101: two\n    do that")


def test_a_position_without_a_line_is_the_file():
    assert str(Position("a.yaml")) == "a.yaml"
