"""A call that does not meet its expectations gets mismatches; tests/suites has the exact text of all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.core.errors import Position
from octo.core.message import Message
from octo.debug import Crossing
from octo.suite import Call, Case, Happened
from octo.suite.format import Expect, Record, Spy
from octo.suite.judge import judge

DONE = Happened(Message({"n": 1}, {"a": 1}))
DROPPED = Happened(dropped="empty")
FAILED = Happened(error="oh no", at=Position("f.yaml", 3, 4))
UNRUN = Happened()


def said(happened: Happened, crossings=None, spies=None, **expect: object) -> list[str]:
    wanted = Expect.model_validate(expect) if expect else None
    case = Case("a", Path("a_test.yaml"), Path("a.yaml"), "f", Position("a"), (Call("f", expect=wanted),), spies or {})
    found = judge(case, [happened], crossings or {}, {"STAGE": "test"})
    return [f"{each.summary} | {each.detail}" if each.detail else each.summary for each in found]


CASES = [
    (DONE, {}, []),
    (DROPPED, {}, ["the flow dropped the message | reason: empty"]),
    (FAILED, {}, ["the flow failed: oh no | at f.yaml:3:4"]),
    (UNRUN, {}, ["the flow did not run"]),
    (DONE, {"dropped": True}, ["expect.dropped: the flow did not drop the message, it completed"]),
    (FAILED, {"dropped": True}, ["expect.dropped: the flow did not drop the message, it failed: oh no"]),
    (DROPPED, {"dropped": True}, []),
    (FAILED, {"error": "no"}, []),
    (FAILED, {"error": ""}, []),
    (FAILED, {"error": "yes"}, ['expect.error: want a failure containing "yes", got "oh no"']),
    (DONE, {"error": ""}, ["expect.error: the flow did not fail, it completed (wanted a failure)"]),
    (DONE, {"body": {"n": 1.0}}, []),
    (DONE, {"body": None}, ['expect.body: | want: null\ngot:  {"n": 1}']),
    (DONE, {"vars": {"a": 2, "b": 1}}, ["expect.vars.a: want 2, got 1", "expect.vars.b: not set (vars: a)"]),
    (DONE, {"that": ["body.n == 1", 'env.STAGE == "test"']}, []),
    (DONE, {"that": ["body.n == 2"]}, ["expect.that: body.n == 2 is false"]),
    (
        DONE,
        {"that": ["body.x"]},
        ["expect.that: body.x did not evaluate: no such key: x. Did you mean 'n'? Keys are n"],
    ),
    (
        DONE,
        {"that": ["1 +"]},
        ["expect.that: 1 + does not compile: expected an expression after '+', found end of text"],
    ),
    (DONE, {"that": ["body.n"]}, ["expect.that: body.n is not a true/false expression (it returned 1)"]),
    (UNRUN._replace(reply={"status": 404}), {"reply": {"status": 404}}, []),
    (FAILED._replace(reply={"status": 500}), {"reply": {"status": 500}}, []),
    (
        FAILED._replace(reply={"status": 500}),
        {"reply": {"status": 500}, "vars": {"a": 1}},
        ["the flow failed: oh no | at f.yaml:3:4"],
    ),
    (
        FAILED._replace(reply={"status": 500}),
        {"reply": {"status": 200}},
        ["expect.reply.status: want 200, got 500", "the flow failed: oh no | at f.yaml:3:4"],
    ),
    (DONE._replace(reply=None), {"reply": None}, []),
    (DONE._replace(reply=None), {"reply": {"status": 1}}, ['expect.reply: | want: {"status": 1}\ngot:  null']),
    (DONE._replace(reply={"headers": {"x-a": "1"}}), {"reply": {"headers": {"X-A": "1"}}}, []),
    (DONE._replace(reply={"headers": {"X-A": "1"}}), {"reply": {"headers": {"x-a": "1"}}}, []),
    (
        DONE._replace(reply={"headers": {"x-a": "1"}}),
        {"reply": {"headers": {"X-B": "1"}}},
        ["expect.reply.headers.x-b: not set (headers: x-a)"],
    ),
    (
        DONE._replace(reply={"headers": None, "status": 404}),
        {"reply": {"headers": {"X-B": "1"}, "status": 200}},
        ["expect.reply.status: want 200, got 404", "expect.reply.headers.x-b: not set (headers: none)"],
    ),
]


@pytest.mark.parametrize(("happened", "expect", "expected"), CASES)
def test_an_ending_and_what_is_said_of_it(happened, expect, expected):
    assert said(happened, **expect) == expected


def test_of_several_calls_each_is_told_by_its_number():
    calls = (Call("f"), Call("f"))
    case = Case("a", Path("a_test.yaml"), Path("a.yaml"), "f", Position("a"), calls, {})

    assert [each.summary for each in judge(case, [DONE, UNRUN], {}, {})] == ["calls[1]: the flow did not run"]


def test_a_wrong_ending_is_all_that_is_said_of_a_call():
    found = said(DROPPED, body=1, vars={"a": 2}, that=["false"])

    assert found == ["the flow dropped the message | reason: empty"]


def test_spies_are_told_beside_a_wrong_body():
    crossings = {"f.b": [Crossing(1, 0.0, Message(), Message())]}
    found = said(DONE, crossings, {"f.b": Spy(count=2)}, body=1)

    assert found[1] == "spy f.b: crossed 1 time, want 2"


@pytest.mark.parametrize(("times", "found"), [(0, "0 times"), (2, None), (3, "3 times")])
def test_a_spy_that_counts_wants_that_many_crossings(times, found):
    """Fewer and more are mismatches."""
    crossings = {"f.b": [Crossing(1, 0.0, Message(), Message())] * times}

    expected = [f"spy f.b: crossed {found}, want 2"] if found else []
    assert said(DONE, crossings, {"f.b": Spy(count=2)}) == expected


def test_more_records_than_crossings_fail():
    records = (Record.model_validate({"dropped": True}),) * 2
    crossings = {"f.b": [Crossing(1, 0.0, Message(), dropped="x")]}

    assert said(DONE, crossings, {"f.b": Spy(records=records)}) == [
        "spy f.b: asserts on 2 crossings, but it crossed 1 time"
    ]


def test_a_wrong_count_does_not_hide_what_is_wrong_with_the_crossings():
    crossings = {"f.b": [Crossing(1, 0.0, Message(1), Message(2))]}
    wanted = Record.model_validate({"input": {"body": 5}})

    assert said(DONE, crossings, {"f.b": Spy(count=2, records=(wanted, wanted))}) == [
        "spy f.b: crossed 1 time, want 2",
        "spy f.b record 0 input.body: want 5, got 1",
    ]


RECORDS = [
    (Crossing(1, 0.0, Message(1), Message(2)), {"input": {"body": 1}, "output": {"body": 2}}, []),
    (Crossing(1, 0.0, Message(1), Message(2)), {"output": {"body": 3}}, ["output.body: want 3, got 2"]),
    (Crossing(1, 0.0, Message(1), dropped="x"), {"dropped": True}, []),
    (Crossing(1, 0.0, Message(1), error="broken"), {"error": "brok"}, []),
    (
        Crossing(1, 0.0, Message(1), Message(2)),
        {"error": "brok"},
        ['error: the block did not fail, it completed (wanted a failure containing "brok")'],
    ),
    (Crossing(1, 0.0, Message(1), error="broken"), {"output": {}}, ["output: the block failed: broken"]),
    (Crossing(1, 0.0, Message(1)), {"output": {}}, ["output: the block did not finish"]),
    (
        Crossing(1, 0.0, Message(1), error="broken"),
        {"dropped": True},
        ["dropped: the block did not drop the message, it failed: broken"],
    ),
    (
        Crossing(1, 0.0, Message(1), error="broken"),
        {"error": "late"},
        ['error: want a failure containing "late", got "broken"'],
    ),
]


@pytest.mark.parametrize(("crossing", "record", "expected"), RECORDS)
def test_a_crossing_and_what_is_said_of_it(crossing, record, expected):
    spies = {"f.b": Spy(records=(Record.model_validate(record),))}

    assert said(DONE, {"f.b": [crossing]}, spies) == [f"spy f.b record 0 {each}" for each in expected]
