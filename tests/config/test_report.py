"""Collected problems."""

from __future__ import annotations

import pytest

from octo.config.report import MOST_PROBLEMS, Report, listed
from octo.core.errors import ConfigError, Position


def test_problems_are_sorted_and_said_once():
    report = Report()
    report.error("B", Position("f", 2, 1), "second")
    report.error("A", Position("f", 1, 1), "first")
    report.error("B", Position("f", 2, 1), "second")

    with pytest.raises(ConfigError) as caught:
        report.raise_if_any()

    assert [each.message for each in caught.value.problems] == ["first", "second"]


def test_warnings_stop_nothing():
    report = Report()
    report.warn("A", Position("f"), "hm")

    report.raise_if_any()

    assert [each.message for each in report.warnings] == ["hm"]


def test_long_lists_are_cut():
    assert listed(["a", "b"]) == "`a`, `b`"
    assert listed(["x"] * 60).endswith("`x`, ...")


def test_there_is_an_end_to_problems():
    report = Report()

    def complain() -> None:
        for line in range(10_000):
            report.error("A", Position("f", line + 1, 1), "wrong")

    with pytest.raises(ConfigError) as caught:
        complain()

    assert len(caught.value.problems) == MOST_PROBLEMS


def test_there_is_an_end_to_warnings():
    report = Report()

    for line in range(10_000):
        report.warn("A", Position("f", line + 1, 1), "hm")

    assert len(report.warnings) == MOST_PROBLEMS
