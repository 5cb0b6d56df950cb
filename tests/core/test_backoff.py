"""Pauses grow up to a longest one, and begin again with the shortest once a connection has held."""

from __future__ import annotations

from octo.core.backoff import Backoff, Failures


def test_pauses_double_up_to_the_longest():
    assert [Backoff().pause(failures) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_pause_after_very_many_failures_is_the_longest():
    """A system that is down for weeks must not overflow a float."""
    assert Backoff().pause(10_000) == 30


def test_chance_takes_away_no_more_than_its_share():
    backoff = Backoff(8, jitter=0.5, chance=iter((0.0, 0.5, 1.0)).__next__)

    assert [backoff.pause(1) for _ in range(3)] == [8, 6, 4]


def test_what_held_for_longer_than_the_longest_pause_begins_anew():
    failures = Failures(Backoff())

    assert [failures.failed(), failures.failed(held=30), failures.failed(held=30.1), failures.failed()] == [1, 2, 1, 2]


def test_what_has_worked_begins_anew():
    failures = Failures(Backoff())
    failures.failed()
    failures.failed()

    failures.worked()

    assert (failures.count, failures.failed()) == (0, 1)
