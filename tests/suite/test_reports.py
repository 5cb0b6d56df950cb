"""One result has three reports: for the terminal, for build servers, for programs."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from octo.core import secrets
from octo.core.errors import Position, Problem
from octo.core.message import Message
from octo.debug import Crossing
from octo.suite import Call, Case, Happened, Mismatch, Outcome, Suite
from octo.suite.compare import compared
from octo.suite.console import Console, listed, summary
from octo.suite.junit import junit
from octo.suite.outcome import exit_code
from octo.suite.results import results

FILE = Path("a_test.yaml")


def case(name: str, file: Path = FILE) -> Case:
    return Case(name, file, Path("a.yaml"), "flow", Position("a"), (Call("flow"),))


PASSED = Outcome(
    case("good"),
    "passed",
    0.0123,
    happened=(Happened(Message({"n": 1}, event_id="e")),),
    crossings={"f.b": [Crossing(1, 2.0, Message(1, event_id="i"), dropped="empty")]},
)
FAILED = Outcome(
    case("bad"),
    "failed",
    0.022,
    (
        Mismatch("expect.vars.httpStatus: want 500, got 502"),
        Mismatch("expect.body:", 'want: {"a": 1}\ngot:  {"a": 2}'),
    ),
    reproduce="octo invoke",
    log=("level=ERROR msg=oh",),
)
ERRORED = Outcome(case("broken"), "errored", 1.5, reason="octo rejected the run: no\n  such thing", reproduce="octo x")
SKIPPED = Outcome(case("later"), "skipped", reason="no key")
NOT_RUN = Outcome(case("never"), "not-run")
ALL = [PASSED, FAILED, ERRORED, SKIPPED, NOT_RUN]
SUITE = Suite(FILE, Path("a.yaml"), "flow", tuple(outcome.case for outcome in ALL), ALL[0].case)


def shown(*outcomes: Outcome, verbose: bool = False) -> list[str]:
    lines: list[str] = []
    suite = SUITE._replace(cases=tuple(outcome.case for outcome in outcomes))
    console = Console([suite], lines.append, verbose=verbose)
    for outcome in outcomes:
        console.done(outcome)
    return lines


def test_the_console_tells_all_that_went_wrong():
    assert shown(*ALL) == [
        "FAIL a_test.yaml  (flow)  1.53s",
        "  --- FAIL: bad (22ms)",
        "        expect.vars.httpStatus: want 500, got 502",
        "        expect.body:",
        '              want: {"a": 1}',
        '              got:  {"a": 2}',
        "        log: level=ERROR msg=oh",
        "        reproduce: octo invoke",
        "  --- ERROR: broken (1.50s)",
        "        octo rejected the run: no",
        "          such thing",
        "        reproduce: octo x",
        "  --- SKIP: later (no key)",
        "  --- NOT RUN: never",
    ]


def test_what_passed_is_one_line_unless_asked():
    assert shown(PASSED) == ["ok   a_test.yaml  (flow)  12ms"]
    assert shown(PASSED, verbose=True)[1] == "  --- PASS: good (12ms)"


def test_a_suite_that_never_ran_is_not_called_ok():
    assert shown(NOT_RUN)[0] == "--   a_test.yaml  (flow)  0ms"


def test_suites_are_shown_in_order_however_their_cases_end():
    first, second = case("a", Path("1_test.yaml")), case("b", Path("2_test.yaml"))
    lines: list[str] = []
    suites = [Suite(each.file, FILE, "flow", (each,), each) for each in (first, second)]
    console = Console(suites, lines.append)

    console.done(Outcome(second, "passed"))
    assert lines == []
    console.done(Outcome(first, "passed"))

    assert [line.split()[1] for line in lines] == ["1_test.yaml", "2_test.yaml"]


def test_colours_are_somebody_else_s_choice():
    lines: list[str] = []
    console = Console(
        [SUITE._replace(cases=(FAILED.case,))], lines.append, style=lambda text, colour: f"<{colour}>{text}"
    )

    console.done(FAILED)

    assert lines[0].startswith("<red>FAIL a_test.yaml")


def test_the_last_line_counts():
    assert summary(ALL, 0.5) == "1 passed, 1 failed, 1 errored, 1 skipped, 1 not run  (500ms)"
    assert summary([PASSED], 2.0) == "1 passed, 0 failed, 0 errored, 0 skipped  (2.00s)"


def test_a_list_names_what_k_looks_at():
    skipped = case("b")._replace(skip="no key")

    assert listed([case("a"), skipped]) == ["a_test.yaml::a", "a_test.yaml::b  (skip: no key)"]


def test_a_name_of_several_lines_is_shown_on_one():
    strange = case("one\n  two\x1b[31m")._replace(skip="not\nyet")

    assert listed([strange]) == ["a_test.yaml::one two [31m  (skip: not yet)"]
    assert shown(Outcome(strange, "skipped", reason="not\nyet"))[1] == "  --- SKIP: one two [31m (not yet)"


@pytest.mark.parametrize(
    ("outcomes", "code"), [([], 0), ([PASSED, SKIPPED], 0), ([PASSED, FAILED], 1), ([FAILED, ERRORED], 2)]
)
def test_the_worst_outcome_decides_the_exit_code(outcomes, code):
    assert exit_code(outcomes) == code


def test_junit():
    root = ET.fromstring(junit([SUITE], ALL, 1.5))
    (suite,) = root
    cases = {each.get("name"): each for each in suite}

    assert (root.get("name"), root.get("tests"), root.get("time")) == ("dolphin", "5", "1.500")
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "1", "2")
    assert cases["good"].attrib == {"name": "good", "classname": "flow", "time": "0.012"}
    assert cases["bad"].find("failure").attrib == {
        "type": "assertion",
        "message": "expect.vars.httpStatus: want 500, got 502",
    }
    assert 'got:  {"a": 2}' in cases["bad"].find("failure").text
    assert cases["bad"].find("system-out").text == "octo invoke"
    assert cases["broken"].find("error").get("type") == "run"
    assert cases["later"].find("skipped").get("message") == "no key"
    assert cases["never"].find("skipped").get("message") == "not run"


def test_junit_holds_what_xml_cannot():
    strange = FAILED._replace(failures=(Mismatch("expect.body: want \x00, got <&>\ud800" + "x" * 500),))

    (failure,) = ET.fromstring(junit([SUITE._replace(cases=(strange.case,))], [strange], 0)).iter("failure")

    assert failure.get("message").startswith("expect.body: want \ufffd, got <&>\ufffdxxx")
    assert len(failure.get("message")) == 160


def test_junit_tells_why_nothing_ran():
    problem = Problem("OCTO-T101", Position("a_test.yaml", 3, 1), "no cases", "add one")

    root = ET.fromstring(junit((), (), 0, [problem]))
    (suite,) = root

    assert [root.get(key) for key in ("tests", "errors")] == [suite.get(key) for key in ("tests", "errors")]
    assert root.get("errors") == "1"
    assert suite.get("name") == "a_test.yaml"
    assert suite.find("testcase/error").get("message") == "no cases"


def test_json_leaves_out_what_is_empty():
    report = json.loads(results([SUITE], ALL, 1.5, folder=Path("/tmp/x")))
    cases = {each["name"]: each for each in report["suites"][0]["cases"]}

    assert report["totals"] == {
        "cases": 5,
        "passed": 1,
        "failed": 1,
        "errored": 1,
        "skipped": 1,
        "notRun": 1,
        "elapsedMs": 1534,
    }
    assert (report["wallMs"], report["workDir"]) == (1500, "/tmp/x")
    assert cases["good"] == {
        "name": "good",
        "status": "passed",
        "elapsedMs": 12,
        "outcome": {
            "result": {"event_id": "e", "body": {"n": 1}},
            "spies": [
                {
                    "address": "f.b",
                    "records": [
                        {"seq": 1, "at": 2.0, "input": {"event_id": "i", "body": 1}, "dropped": True, "reason": "empty"}
                    ],
                }
            ],
        },
    }
    assert cases["bad"]["failures"][0] == {"summary": "expect.vars.httpStatus: want 500, got 502"}
    assert cases["broken"]["summary"].startswith("octo rejected the run")
    assert cases["later"] == {"name": "later", "status": "skipped", "elapsedMs": 0, "summary": "no key"}
    assert "problems" not in report


@pytest.mark.parametrize(
    ("mismatch", "said"),
    [
        (Mismatch("the flow failed: no", "at f.yaml:3:4"), "the flow failed: no"),
        (Mismatch("expect.body:", 'want: {"a": 1}\ngot:  {"a": 2}'), 'expect.body: want: {"a": 1} got:  {"a": 2}'),
        (
            Mismatch("expect.body:", "body.a: want 1, got 2\nbody.b: want 3, got 4"),
            "expect.body: body.a: want 1, got 2",
        ),
    ],
)
def test_the_summary_of_a_case_says_what_was_wrong(mismatch, said):
    failed = FAILED._replace(failures=(mismatch, Mismatch("another")))
    report = json.loads(results([SUITE._replace(cases=(failed.case,))], [failed], 0))

    assert report["suites"][0]["cases"][0]["summary"] == said


def test_several_calls_are_reported_one_by_one():
    happened = (Happened(Message(1, event_id="e")), Happened(dropped=""), Happened(error="no", reply={"status": 500}))
    report = json.loads(results([SUITE._replace(cases=(PASSED.case,))], [PASSED._replace(happened=happened)], 0))

    assert report["suites"][0]["cases"][0]["outcome"]["calls"] == [
        {"result": {"event_id": "e", "body": 1}},
        {"dropped": True},
        {"error": "no", "reply": {"status": 500}},
    ]


@pytest.mark.parametrize("secret", ["hunter22hunter", "quo\"te's\\hunter22/ é", "é" * 3 + "hunter22" * 300])
def test_no_report_shows_a_secret(monkeypatch: pytest.MonkeyPatch, secret: str):
    """No part of it is shown, with quotes or without, in a body or in an error that quotes it."""
    monkeypatch.setattr(secrets, "_secrets", {})
    secrets.mask(secret)
    leak = FAILED._replace(
        failures=(Mismatch(f"expect.body: got {secret}", f"{secret!r}"), *compared("body", 1, [secret])),
        reproduce=f"X={secret} octo",
        happened=(Happened(Message({"a": [secret]}, {secret: 1})), Happened(error=f"no {secret!r}")),
    )
    suites = [SUITE._replace(cases=(leak.case,))]
    report = results(suites, [leak], 0)

    assert "hunter22" not in "\n".join(shown(leak))
    assert b"hunter22" not in junit(suites, [leak], 0)
    assert b"hunter22" not in report
    assert json.loads(report)["suites"][0]["cases"][0]["outcome"]["calls"][0]["result"]["body"] == {"a": ["«secret»"]}
