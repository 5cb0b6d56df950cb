"""Verdicts are shown call by call, and faults that do harm stand out."""

from __future__ import annotations

from pathlib import Path

from octo.core.errors import Position
from octo.core.secrets import mask
from octo.suite.case import Case
from octo.suite.chaos.console import shown, summary
from octo.suite.chaos.explore import Explored, Verdict

CASE = Case("pays", Path("a_test.yaml"), Path("a.yaml"), "orders", Position("", 1, 1), ())


def plain(text, colour):
    return f"<{text}>"


def test_verdicts_stand_below_the_call_they_are_about():
    explored = Explored(
        CASE,
        (
            Verdict("orders.charge", 1, "fails", "told"),
            Verdict("orders.charge", 1, "times out", "doubled", ("orders.charge",), "if its sender tries again"),
            Verdict("orders.charge", 2, "fails", "lost", ("orders.charge", "orders.tell")),
            Verdict("orders.tell", 1, "is slow", "handled", ("orders.park",)),
        ),
    )

    assert list(shown(explored, plain)) == [
        "a_test.yaml :: pays  (orders)",
        "  orders.charge",
        "    fails          the flow fails, and can be tried again",
        "    times out      <DOUBLED> orders.charge if its sender tries again",
        "  orders.charge, call 2",
        "    fails          <LOST> orders.charge, orders.tell",
        "  orders.tell",
        "    is slow        handled by orders.park",
    ]
    assert summary([explored], plain) == "4 faults, 2 without harm, <1 lost, 1 doubled>"


def test_a_case_that_was_not_explored_says_why():
    assert list(shown(Explored(CASE, skipped="no network"), plain))[1] == "  not explored: no network"


def test_no_reason_shows_a_secret():
    mask("a-key-of-the-bank")
    broke = Verdict("orders.charge", 1, "fails", "broke", reason="a-key-of-the-bank")

    for explored in (Explored(CASE, skipped="got a-key-of-the-bank"), Explored(CASE, (broke,))):
        assert list(shown(explored, plain))[-1].endswith("«secret»")


def test_cases_that_call_nothing_are_only_counted():
    assert summary([Explored(CASE)], plain) == "1 of 1 cases call nothing outside, 0 faults, 0 without harm"


def test_nothing_bad_is_nothing_red():
    explored = Explored(CASE, (Verdict("orders.charge", 1, "is slow", "unharmed"),))

    assert summary([explored], plain) == "1 faults, 1 without harm"
