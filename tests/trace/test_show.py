"""A trace is shown as a tree: which flow or block called which, what each changed, what went wrong."""

from __future__ import annotations

import pytest

from octo.trace.show import shown

TRACE = [
    {
        "kind": "flow", "span": "a", "flow": "f", "path": "f", "event": "e1", "at": 0, "duration": 2_500_000,
        "generation": 2, "outcome": "failed", "input": {"body": {"n": 1}, "vars": {"id": "7"}},
        "error": {"message": "declined", "code": "OCTO-R1", "at": "f.yaml:3:5"}, "more": 4,
    },
    {
        "kind": "block", "span": "b", "parent": "a", "from": "a", "path": "f.each", "type": "foreach", "at": 0,
        "duration": 1_500_000_000, "outcome": "completed",
    },
    {
        "kind": "block", "span": "c", "parent": "b", "from": "b", "path": "f.each[body].ask", "type": "rest", "at": 0,
        "duration": 40_000, "outcome": "completed", "input": {"set": {"item": 1}},
        "effects": [{"kind": "http", "at": 0, "method": "GET", "status": 200}],
        "output": {"body": "x" * 200, "set": {"statusCode": 200}, "unset": ["item"]},
        "omitted": {"output.set.big": 70211},
    },
    {"kind": "dropped", "at": 0, "count": 3},
    {
        "kind": "block", "span": "d", "parent": "a", "from": "b", "path": "f.only", "type": "filter", "at": 0,
        "duration": 1000, "outcome": "dropped", "reason": "not ours",
    },
]  # fmt: skip


def plain(text, colour):
    return text


def test_the_tree():
    assert list(shown(TRACE, plain)) == [
        "(3 traces were lost here)",
        "f  2.5 ms  failed  event e1  1970-01-01T00:00:00.000Z  generation 2",
        '    in   {"body": {"n": 1}, "vars": {"id": "7"}}',
        "    4 more blocks were not recorded",
        "    OCTO-R1 declined at f.yaml:3:5",
        "  f.each  foreach  1.50 s",
        "    f.each[body].ask  rest  0.04 ms",
        "        in   vars.item = 1",
        '        http method="GET" status=200',
        '        body = "' + "x" * 89 + "...",
        "        vars.statusCode = 200",
        "        vars.item is gone",
        "        output.set.big was left out, 70,211 bytes",
        "  f.only  filter  0.001 ms  dropped",
        "      because not ours",
    ]


def test_a_one_way_call_is_a_tree_of_its_own():
    sent = {
        "kind": "flow", "span": "e", "parent": "c", "flow": "g", "path": "g", "event": "e2", "at": 0, "duration": 1000,
        "outcome": "completed", "input": {"body": 1, "vars": {"item": 1}},
    }  # fmt: skip

    assert list(shown([*TRACE, sent], plain))[-3:] == [
        "g  0.001 ms  completed  event e2  1970-01-01T00:00:00.000Z  generation 1",
        "    called by f.each[body].ask",
        '    in   {"body": 1, "vars": {"item": 1}}',
    ]


@pytest.mark.parametrize("bad", ["\x1b[2J", "\r\n", "\x9b2J", "\u202e"])
def test_nothing_in_a_trace_is_obeyed_by_a_terminal(bad):
    error = {"message": bad, "code": bad, "at": bad}
    record = {"kind": "flow", "span": "a", "flow": bad, "path": bad, "event": bad, "type": bad, "at": 0, "duration": 1}
    record |= {"outcome": "failed", "error": error, "reason": bad, "input": {"body": {bad: bad}, "vars": {bad: bad}}}
    record |= {"effects": [{"kind": bad, "at": 0, bad: bad}], "omitted": {bad: 1}, "values": {bad: bad}}
    inner = record | {"span": "b", "parent": "a", "output": {"body": bad, "set": {bad: bad}, "unset": [bad]}}

    for line in shown([record, inner], plain):
        assert line.isprintable()


@pytest.mark.parametrize(("outcome", "kept"), [("failed", "the block that failed"), ("cancelled", "what came in")])
def test_a_trace_in_brief_says_what_there_is(outcome, kept):
    brief = {**TRACE[0], "outcome": outcome, "brief": True}

    assert f"    not in the sample: only {kept} was recorded" in shown([brief], plain)


def test_what_is_nested_deeply_stays_on_the_page():
    nested = [{**TRACE[1], "span": str(depth), "parent": str(depth - 1)} for depth in range(100)]

    assert max(map(len, shown(nested, plain))) < 80


def test_a_line_that_is_cut_still_ends_in_its_colour():
    long = {**TRACE[0], "error": {"message": "x" * 200}}

    *_, last = shown([long], lambda text, colour: f"<{colour}>{text}</>")
    assert last.endswith("...</>")


def test_values_may_be_shown_whole():
    assert any("x" * 200 in line for line in shown(TRACE, plain, width=None))


def test_a_stop_says_that_nothing_followed():
    record = {**TRACE[-1], "outcome": "completed", "stopped": True}
    del record["reason"]

    assert "      the flow is complete with this: what follows did not run" in list(shown([*TRACE[:-1], record], plain))
