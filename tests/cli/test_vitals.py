"""A child that gives no sign of life hangs, and one that dies again and again has to wait longer each time."""

from __future__ import annotations

import pytest

from octo.cli import exits
from octo.cli.vitals import Vitals


@pytest.fixture
def vitals():
    made = Vitals(hung_after=15)
    made.begin(100)
    return made


def test_silence_counts_from_the_last_sign_of_life(vitals):
    vitals.beat(101, True)
    assert not vitals.is_hung(116)
    assert vitals.is_hung(116.1)

    vitals.beat(117, True)
    assert not vitals.is_hung(118)


def test_a_start_may_be_silent_for_longer_but_not_for_ever(vitals):
    vitals.beat(101, False)
    assert not vitals.is_hung(221)
    assert vitals.is_hung(221.1)


def test_a_process_without_any_sign_of_life_hangs_some_time(vitals):
    assert not vitals.is_hung(220)
    assert vitals.is_hung(220.1)


def test_silence_while_the_supervisor_itself_stood_still_does_not_count(vitals):
    vitals.beat(101, True)
    vitals.forgive(500)

    assert not vitals.is_hung(510)
    assert vitals.is_hung(516)


def test_nothing_hangs_if_it_is_switched_off():
    vitals = Vitals(hung_after=0)
    vitals.begin(0)
    vitals.beat(1, True)

    assert not vitals.is_hung(1_000_000)


def test_one_that_lived_is_replaced_at_once(vitals):
    assert vitals.end(160) == 160


def test_one_that_dies_young_again_and_again_waits_longer_each_time(vitals):
    now, pauses = 100.0, []
    for _ in range(7):
        vitals.begin(now)
        due = vitals.end(now + 0.5)
        pauses.append(due - now)
        now = due

    assert pauses == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("code", "seconds", "may"),
    [
        (-9, 0, True),
        (exits.FAILED, 1, False),
        (exits.FAILED, 10, True),
        (exits.USAGE, 60, False),
        (exits.DONE, 1, False),
    ],
)
def test_the_first_child_is_replaced_only_if_it_did_not_fail_to_start(vitals, code, seconds, may):
    assert vitals.may_be_replaced(code, 100 + seconds) is may


def test_one_that_has_started_is_replaced_however_it_ends(vitals):
    """A SIGTERM to one process, as `earlyoom` sends it, ended the whole service if it came in the first seconds."""
    vitals.beat(101, True)

    assert vitals.may_be_replaced(exits.DONE, 102)


@pytest.mark.parametrize("code", [exits.FAILED, exits.USAGE])
def test_a_successor_that_does_not_start_does_not_take_its_siblings_along(vitals, code):
    """They run: the configuration was right once, and may be again."""
    vitals.beat(101, True)
    vitals.end(102)
    vitals.begin(103)

    assert vitals.may_be_replaced(code, 104)
