"""A test file by itself is refused with everything that is wrong in it, each with its place."""

from __future__ import annotations

import pytest

from octo.config.report import Report
from octo.testing.clock import START
from octo.testing.suite.rules import merged, read_draft, start_of


def problems(tmp_path, text: str) -> list[str]:
    report = Report()
    (tmp_path / "a_test.yaml").write_text(text)
    read_draft(tmp_path / "a_test.yaml", report)
    return [f"{each.at.line}:{each.at.column} {each.code} {each.message}" for each in report.problems]


WRONG = {
    "no cases": ("{flow: f, cases: []}", "1:11 OCTO-T101 the test file has no cases"),
    "no flow": ("{cases: [{name: a}]}", "1:1 OCTO-C112 `flow` of the test file is missing"),
    "no name": ("{flow: f, cases: [{input: {}}]}", "1:19 OCTO-C112 `name` in `cases[0]` is missing"),
    "same names": ("{flow: f, cases: [{name: a}, {name: a}]}", '1:31 OCTO-T102 two cases are named "a"'),
    "unknown input": ("{flow: f, cases: [{name: a, input: b}]}", "1:36 OCTO-T103 no input is named `b`"),
    "two endings": (
        "{flow: f, cases: [{name: a, expect: {dropped: true, error: x}}]}",
        "1:53 OCTO-T104 `dropped` and `error` cannot both be expected",
    ),
    "reply without trigger": (
        "{flow: f, cases: [{name: a, expect: {reply: null}}]}",
        "1:38 OCTO-T104 `reply` is what the outside sees of a `trigger`, and there is none",
    ),
    "too many records": (
        "{flow: f, cases: [{name: a, spies: {f.b: {count: 0, records: [{}]}}}]}",
        "1:53 OCTO-T105 1 records, but `count` is 0",
    ),
    "spies of a call": (
        "{flow: f, cases: [{name: a, calls: [{spies: {f.b: {count: 0, records: [{}]}}}]}]}",
        "1:62 OCTO-T105 1 records, but `count` is 0",
    ),
    "calls and input": (
        "{flow: f, cases: [{name: a, input: {}, calls: [{}]}]}",
        "1:29 OCTO-T109 `input` stands beside `calls`",
    ),
    "clock": ("{flow: f, clock: noon, cases: [{name: a}]}", "1:18 OCTO-T110 `noon` is no clock"),
    "no time": ("{flow: f, timeout: 0s, cases: [{name: a}]}", "1:11 OCTO-T110 `timeout` leaves no time at all"),
    "not a mapping": ("[]", "1:1 OCTO-C110 a test file must be a mapping, found a list"),
    "not YAML": ("{flow: f", "OCTO-C103"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_at_the_place(tmp_path, name):
    text, expected = WRONG[name]

    assert any(expected in found for found in problems(tmp_path, text)), problems(tmp_path, text)


def test_everything_wrong_is_found_at_once(tmp_path):
    text = "flow: f\nclock: noon\ncases:\n  - {name: a, input: b}\n  - {name: a, expect: {error: x, body: 1}}\n"

    assert [found.split()[0] for found in problems(tmp_path, text)] == ["2:8", "4:22", "5:6", "5:34"]


def test_a_file_that_is_not_there_is_a_problem_too(tmp_path):
    report = Report()

    assert read_draft(tmp_path / "gone_test.yaml", report) is None
    assert report.problems[0].message == "the file cannot be read: No such file or directory"


def test_later_layers_replace_and_null_lifts():
    found = merged({"a": 1, "b": 2}.items(), {"a": None, "b": 3, "c": 4}.items())

    assert found == {"b": 3, "c": 4}


@pytest.mark.parametrize(
    ("clock", "start"), [("real", None), ("virtual", START), ("2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z")]
)
def test_a_clock_is_real_or_begins_somewhere(clock, start):
    assert start_of(clock) == start
