"""A wrong test file is refused with all of its problems, each with its place."""

from __future__ import annotations

import pytest

from octo.config.report import Report
from octo.suite.rules import merged, read_draft, start_of
from octo.testing.clock import START


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
        "1:38 OCTO-T104 `reply` needs a `trigger`, and there is none",
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
        "1:29 OCTO-T109 `input` cannot be used with `calls`",
    ),
    "clock": ("{flow: f, clock: noon, cases: [{name: a}]}", "1:18 OCTO-T110 `noon` is not a clock"),
    "no time": ("{flow: f, timeout: 0s, cases: [{name: a}]}", "1:11 OCTO-T110 `timeout` must be more than 0"),
    "not a mapping": ("[]", "1:1 OCTO-C110 a test file must be a mapping, found a list"),
    "two documents": (
        "flow: f\ncases: [{name: a}]\n---\ncases: [{name: b}]\n",
        "3:1 OCTO-C108 a second document begins here",
    ),
    "a mapping for a text": ("{flow: f, cases: [{name: {}}]}", "1:26 OCTO-C113"),
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


def test_where_a_text_is_meant_the_value_is_what_stands_in_the_file(tmp_path):
    file = tmp_path / "a_test.yaml"
    file.write_text("""
flow: 7
env: {A: 010, B: true}
inputs: {4: {data: 1.10, vars: {a: 1.10}}}
mocks:
  f.a: {error: 404}
  f.b: {cases: [{when: true, error: 1.10}], default: {body: {error: 1.10}}}
cases:
  - {name: 1.10, skip: 0x10, input: 4, expect: {error: 404}}
  - {name: 2026-01-01, clock: 2026-01-01, expect: {that: [true], body: 1.10, vars: {error: 4}}}
  - {name: ~x, spies: {f.a: {records: [{error: no}]}}, mocks: {f.c: {error: 1e3}}}
""")
    report = Report()
    draft = read_draft(file, report)

    assert report.problems == []
    assert draft is not None
    entry = draft.entry
    first, second, third = entry.cases
    assert (entry.flow, entry.env) == ("7", {"A": "010", "B": "true"})
    assert (entry.inputs["4"].data, entry.inputs["4"].vars) == (1.1, {"a": 1.1})
    assert entry.mocks["f.a"] == {"error": "404"}
    assert entry.mocks["f.b"] == {"cases": [{"when": True, "error": "1.10"}], "default": {"body": {"error": 1.1}}}
    assert (first.name, first.skip, first.input, first.expect.error) == ("1.10", "0x10", "4", "404")
    assert (second.name, second.clock) == ("2026-01-01", "2026-01-01T00:00:00Z")
    assert (second.expect.that, second.expect.body, second.expect.vars) == (("true",), 1.1, {"error": 4})
    assert third.spies["f.a"].records[0].error == "no"
    assert third.mocks["f.c"] == {"error": "1e3"}
