"""The oracle finds what it is there for, each kind when it is planted."""

from __future__ import annotations

import json

import pytest

from tests.chaos.oracle import Limits, Pair, Sink, judge, key, load


def line(effect, n, p=0, life=0, **changed):
    pair = Pair(p, n)
    record = {"effect": effect, "p": p, "n": n, "load": load(pair), "key": key(pair), "life": life, "token": 0}
    record |= {"event": key(pair), "step": ""}
    return json.dumps(record | changed)


def verdict(lines, sent=5, told=None, limits=Limits(0, 0, 0)):  # noqa: B008  it is a tuple
    sink = Sink()
    for each in lines:
        sink.add(each)
    return judge({0: sent}, {0: set(range(sent)) if told is None else told}, sink, limits)


def both(*numbers, **about):
    return [line(effect, n, **about) for n in numbers for effect in ("first", "second")]


def test_all_is_well():
    assert verdict(both(0, 1, 2, 3, 4)).wrong() == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (both(1, 2, 3, 4), "lost at the front: 1, e.g. Pair(p=0, n=0)"),
        (both(0, 1, 3, 4), "lost at the middle: 1, e.g. Pair(p=0, n=2)"),
        (both(0, 1, 2), "lost at the end: 2, e.g. Pair(p=0, n=3)"),
        ([], "lost at the front: 5, e.g. Pair(p=0, n=0)"),
        (both(0, 1, 2, 3, 4, 5), "never sent: 1, e.g. Pair(p=0, n=5)"),
        (both(0, 1, 2, 3, 4) + both(0, p=7), "never sent: 1, e.g. Pair(p=7, n=0)"),
        ([*both(0, 1, 2, 3), line("first", 4)], "lost at the end: 1, e.g. Pair(p=0, n=4)"),
        (both(0, 1, 2, 3) + both(4, load=load(Pair(0, 3))), 'torn: 2, e.g. {"effect": "first", "p": 0, "n": 4, "load"'),
        (both(0, 1, 2, 3) + both(4, key="0-3"), 'torn: 2, e.g. {"effect": "first", "p": 0, "n": 4, "load"'),
        ([*both(0, 1, 2, 3, 4), '{"effect": "fi'], 'torn: 1, e.g. {"effect": "fi'),
        (both(0, 1, 2, 3, 4, 4), "arrivals that came again: 2, of at most 0"),
        (both(0, 2, 1, 3, 4), "messages out of order: 1, of at most 0"),
        (both(0) + both(2, 1, 3, 4, life=1), "messages that were overtaken: 1, of at most 0"),
    ],
    ids=[
        "front",
        "middle",
        "end",
        "all",
        "phantom",
        "stranger",
        "half",
        "load",
        "key",
        "cut",
        "twice",
        "order",
        "late",
    ],
)
def test_what_is_wrong_is_said(lines, said):
    assert any(each.startswith(said) for each in verdict(lines).wrong()), verdict(lines).wrong()


def test_what_was_sent_and_not_acknowledged_may_be_missing_or_there():
    assert verdict(both(0, 1, 2), told={0, 1}).wrong() == []
    assert verdict(both(0, 1), told={0, 1}).wrong() == []


def test_kills_excuse_as_much_as_was_under_way():
    lines = both(0, 1) + both(3, 2, 4, 4, life=1)
    assert verdict(lines, limits=Limits(2, 1, 0)).wrong() == []
    assert verdict(lines, limits=Limits(1, 1, 0)).wrong() == ["arrivals that came again: 2, of at most 1"]


def test_what_was_sent_twice_may_come_twice_and_nothing_else_may():
    sink = Sink()
    for each in both(0, 1, 1, 2, 2):
        sink.add(each)
    found = judge({0: 3}, {0: {0, 1, 2}}, sink, Limits(0, 0, 0), sends={Pair(0, 1): 2})
    assert found.wrong() == ["arrivals that came again: 2, of at most 0"]


def kept(effect, n, step, life=0):
    return line(effect, n, life=life, step=step)


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        ([kept("first", 0, "a"), kept("second", 0, "b")], 0),
        ([kept("first", 0, "a"), kept("first", 0, "a", life=1), kept("second", 0, "b", life=1)], 0),
        ([kept("first", 0, "a"), kept("second", 0, "b"), kept("second", 0, "b", life=1)], 0),
        ([kept("first", 0, "a"), kept("second", 0, "b"), kept("first", 0, "a", life=1)], 1),
        ([kept("first", 0, "a"), kept("first", 0, "other", life=1), kept("second", 0, "b", life=1)], 1),
    ],
    ids=["once", "under way", "last under way", "finished before", "another key"],
)
def test_a_finished_block_that_runs_again_is_found(lines, number):
    found = verdict(lines, sent=1, limits=Limits(9, None, None, 0))
    assert len(found.again) == number
    assert found.wrong() == [f"finished blocks that ran again: {number}, of at most 0"] * number


def test_what_may_be_lost_is_counted():
    """Where a flow declares `at most once`: a message with one effect of two counts as lost."""
    sink = Sink()
    for each in (*both(0, 1, 2), line("first", 3)):
        sink.add(each)
    found = judge({0: 5}, {0: {0, 1, 2, 3, 4}}, sink, Limits(0, None, None, lost=2))
    assert found.wrong() == []
    found.limits = Limits(0, None, None, lost=1)
    assert found.wrong() == ["lost messages: 2, of at most 1"]
