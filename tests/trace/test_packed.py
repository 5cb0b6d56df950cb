"""Traces are stored packed; readers get records, and other tools get them as lines."""

from __future__ import annotations

import json

import pytest

from octo.trace.packed import lines, records
from octo.trace.record import states

HEAD = {"kind": "flow", "flow": "f", "path": "f", "generation": 1}
BLOCK = {"kind": "block", "path": "f.a", "type": "set-payload"}
CALLED = {"kind": "flow", "flow": "g", "path": "g", "generation": 1}
ROWS = [
    [HEAD, None, None, 0, 90, 0, {"body": 1}, {"body": 3}, {"event": "e"}],
    [BLOCK, 0, 0, 10, 20, 0, None, {"body": 2}, None],
    [{**BLOCK, "path": "f.b"}, 0, 1, 40, 45, 2, {"set": {"x": 1}}, None, {"error": {"message": "no"}}],
    [CALLED, 2, 2, 50, 5, 1, None, None, {"event": "e2", "reason": "enough"}],
    [{**BLOCK, "path": "g.a"}, 3, 3, 51, -1, 3, None, None, None],
]
PACKED = json.dumps([2, "ab" * 16, "cd" * 8, 1000, 255, ROWS]).encode() + b"\n"


def test_a_row_becomes_a_record_with_its_own_and_its_parents_span():
    flow, block, failed, called, inner = records(PACKED)

    assert flow == {
        **HEAD,
        "v": 2,
        "trace": "ab" * 16,
        "span": "00000000000000ff",
        "parent": "cd" * 8,
        "input": {"body": 1},
        "at": 1000,
        "duration": 90,
        "outcome": "completed",
        "output": {"body": 3},
        "event": "e",
    }
    assert (block["flow"], block["span"], block["parent"], block["from"]) == (
        "f",
        f"{256:016x}",
        flow["span"],
        flow["span"],
    )
    assert (failed["from"], failed["input"], failed["outcome"]) == (block["span"], {"set": {"x": 1}}, "failed")
    assert (called["flow"], called["parent"], called["reason"]) == ("g", failed["span"], "enough")
    assert (inner["flow"], inner["at"], inner["duration"], inner["outcome"]) == ("g", 1051, 0, "cancelled")


@pytest.mark.parametrize("packed", [True, False])
def test_a_trace_of_the_version_before_is_read(packed):
    """Its payloads were plain JSON: a map that looks like a packed value is still a map."""
    message = {"body": {"$ref": "#/x"}, "vars": {"v": [{"$bytes": "aGk="}]}}
    if packed:
        data = json.dumps([1, "ab" * 16, "", 1000, 1, [[HEAD, None, None, 0, 9, 0, message, {"body": 7}, None]]])
    else:
        span = {"trace": "ab" * 16, "span": "1" * 16, "at": 1000, "duration": 9, "outcome": "completed"}
        data = json.dumps({**HEAD, **span, "input": message, "output": {"body": 7}})
    [record] = records(data.encode())
    [state] = states([record])

    assert record["v"] == 2
    assert state.before == ({"$ref": "#/x"}, {"v": [{"$bytes": "aGk="}]}, False)
    assert state.after == (7, {"v": [{"$bytes": "aGk="}]}, False)
    assert records(lines(data.encode())) == [record]


def test_who_was_called_by_nobody_has_no_parent():
    [flow] = records(json.dumps([1, "ab" * 16, "", 1000, 2**64 - 1, ROWS[:1]]).encode())

    assert "parent" not in flow
    assert flow["span"] == "f" * 16


def test_span_ids_that_reach_the_end_begin_anew():
    spans = [each["span"] for each in records(json.dumps([1, "ab" * 16, "", 1000, 2**64 - 1, ROWS]).encode())]

    assert spans[:3] == ["f" * 16, f"{1:016x}", f"{2:016x}"]


def test_lines_are_the_records_one_by_one():
    data = PACKED + b'{"kind":"dropped","at":1,"count":2}\n'

    assert [json.loads(line) for line in lines(data).splitlines()] == records(data)
    assert records(lines(data)) == records(data)


@pytest.mark.parametrize(
    "junk",
    [
        b'[1,"ab","cd",5',
        b"[1]",
        b"[]",
        b"[2,3,4,5,6,7]",
        b'[1,"a","b",1,1,[[{},0,0,0,0,0,0,0,0]]]',
        b'[1,"a","b",1,1,7]',
    ],
)
def test_what_is_no_trace_is_passed(junk):
    assert records(junk + b"\n" + PACKED) == records(PACKED)
