"""The report of `octo test --drift`."""

from __future__ import annotations

from pathlib import Path

from octo.core.cassette import Asked, Cassette, Exchange, Format
from octo.core.changes import ABSENT, Change
from octo.core.settings import Settings
from octo.suite.drift import drift

FORM = Format(Settings, Settings, lambda request: request["path"])


def compared(*asked: Asked, exchanges=2) -> Cassette:
    tape = Cassette(Path("c.yaml"), FORM, [Exchange({"path": f"/{each}"}, {}) for each in range(exchanges)], "drift")
    for each in asked:
        tape.note(each)
    return tape


def texts(*tapes: Cassette) -> list[str]:
    return [each.text for each in drift(tapes).lines]


def test_no_change_is_one_line():
    tape = compared(Asked(0, {"path": "/0"}), Asked(1, {"path": "/1"}))

    assert texts(tape) == ["same  c.yaml  2 exchanges, as recorded"]
    assert not drift([tape]).is_any


def test_each_change_is_told_with_its_place():
    changes = (Change("body.a", 1, "1"), Change("body.b", 2, ABSENT), Change("body.c", ABSENT, [3]))
    tape = compared(Asked(1, {"path": "/1"}, changes), Asked(0, {"path": "/0"}))

    assert texts(tape) == [
        "DRIFT c.yaml  1 of 2 exchanges",
        "  exchange 2, /1",
        '      body.a: was 1, is "1"',
        "      body.b: gone, was 2",
        "      body.c: new, [3]",
    ]
    assert drift([tape]).is_any


def test_calls_that_failed_are_new_or_are_no_longer_made_are_told():
    tape = compared(Asked(0, {"path": "/0"}, error="cannot connect"), Asked(None, {"path": "/new"}))

    assert texts(tape) == [
        "DRIFT c.yaml  2 of 2 exchanges",
        "  exchange 1, /0",
        "      no reply: cannot connect",
        "  not recorded: /new",
        "  not asked for by these cases: exchange 2, /1",
    ]


def test_what_nobody_asked_for_is_no_drift():
    tape = compared(Asked(0, {"path": "/0"}))

    assert texts(tape)[1:] == ["  not asked for by these cases: exchange 2, /1"]
    assert not drift([tape]).is_any


def test_many_changes_and_long_values_are_cut():
    changes = tuple(Change(f"body[{each}]", "x" * 500, 0) for each in range(30))

    found = texts(compared(Asked(0, {"path": "/0"}, changes), exchanges=1))

    assert found[-1] == "      and 10 more"
    assert "(502 characters), is 0" in found[2]
    assert max(map(len, found)) < 250
