"""Records hold only what changed; `states` rebuilds the messages from them."""

from __future__ import annotations

import pytest

from octo.trace.record import Seen, is_record, states

TRACE = [
    {"kind": "flow", "span": "a", "flow": "f", "outcome": "completed", "input": {"body": 1, "vars": {"x": 1}}},
    {"kind": "block", "span": "b", "parent": "a", "from": "a", "outcome": "completed", "output": {"set": {"y": 2}}},
    {
        "kind": "block",
        "span": "c",
        "parent": "a",
        "from": "b",
        "outcome": "completed",
        "output": {"body": None, "unset": ["x"]},
    },
    {"kind": "dropped", "at": 0, "count": 3},
    {"kind": "block", "span": "d", "parent": "a", "from": "c", "outcome": "failed"},
]


def test_every_span_gets_its_messages_back():
    found = {state.record["span"]: (state.before, state.after) for state in states(TRACE)}

    assert found["a"] == (Seen(1, {"x": 1}), Seen(1, {"x": 1}))
    assert found["b"] == (Seen(1, {"x": 1}), Seen(1, {"x": 1, "y": 2}))
    assert found["c"] == (Seen(1, {"x": 1, "y": 2}), Seen(None, {"y": 2}))


def test_what_did_not_complete_has_no_message_after():
    *_, last = states(TRACE)

    assert (last.before, last.after) == (Seen(None, {"y": 2}), None)


def test_a_block_may_go_on_from_a_message_that_was_not_recorded():
    [state] = states([{"kind": "block", "span": "b", "from": "lost", "outcome": "completed"}])

    assert state.before == Seen(None, {})


def test_a_span_may_begin_with_a_change_to_what_went_into_its_parent_or_came_out_of_another():
    trace = [
        {"kind": "flow", "span": "a", "outcome": "completed", "input": {"body": 1, "vars": {"x": 1, "y": 2}}},
        {"kind": "block", "span": "b", "parent": "a", "from": "a", "outcome": "completed", "output": {"body": 2}},
        {"kind": "block", "span": "c", "parent": "b", "from": "b", "outcome": "failed", "input": {"set": {"x": 3}}},
        {"kind": "block", "span": "d", "parent": "a", "from": "b", "outcome": "failed", "input": {"unset": ["y"]}},
    ]

    assert [state.before for state in states(trace)][2:] == [Seen(1, {"x": 3, "y": 2}), Seen(2, {"x": 1})]


FLOW = {"kind": "flow", "trace": "t", "span": "a", "flow": "f", "path": "f", "event": "e", "at": 1, "duration": 2}
FLOW |= {"outcome": "failed", "error": {"message": "no"}, "input": {"body": 1, "vars": {}}, "omitted": {"x": 1}}
FLOW |= {"effects": [{"kind": "http", "at": 1}]}


@pytest.mark.parametrize("record", [FLOW, {**FLOW, "kind": "block"}, {"kind": "dropped", "at": 0, "count": 3}])
def test_a_record_is_known_as_one(record):
    assert is_record(record)


@pytest.mark.parametrize("missing", ["kind", "trace", "span", "flow", "path", "event", "at", "duration", "outcome"])
def test_what_lacks_something_is_no_record(missing):
    assert not is_record({name: value for name, value in FLOW.items() if name != missing})


@pytest.mark.parametrize(
    "odd",
    [
        {"kind": "other"}, {"kind": []}, {"at": "zz"}, {"at": -1}, {"at": 10**30}, {"duration": 10**400},
        {"outcome": "odd"}, {"outcome": []}, {"error": "x"}, {"error": {}}, {"error": {"message": 1}}, {"from": []},
        {"input": []}, {"input": {"vars": 1}}, {"output": {"set": []}}, {"output": {"unset": 1}}, {"effects": [1]},
        {"effects": [{}]}, {"omitted": {"x": "y"}}, {"type": 1}, {"kind": "dropped", "count": "x"},
    ],
)  # fmt: skip
def test_what_has_something_odd_is_no_record(odd):
    assert not is_record({**FLOW, **odd})
