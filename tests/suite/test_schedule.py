"""Many cases run several at a time, start in order, and none is lost, whatever it does."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from octo.core.errors import Position
from octo.suite import Call, Case, Outcome, run_all, schedule as module


def case(name: str, seconds: float = 30.0) -> Case:
    file = Path("a_test.yaml")
    return Case(name, file, file, "f", Position("a"), (Call("f"),), seconds=seconds)


CASES = [case(name) for name in "abcdef"]


def passes(case: Case) -> Outcome:
    return Outcome(case, "passed")


@pytest.mark.parametrize("parallel", [1, 2, 8])
def test_outcomes_come_in_the_order_of_the_cases(parallel):
    told: list[str] = []

    found = run_all(CASES, passes, lambda outcome: told.append(outcome.case.name), parallel=parallel)

    assert [outcome.case.name for outcome in found] == list("abcdef")
    assert sorted(told) == list("abcdef")


def test_as_many_at_a_time_as_asked():
    together = threading.Barrier(3, timeout=20)

    def waits(case: Case) -> Outcome:
        together.wait()
        return passes(case)

    assert [each.status for each in run_all(CASES, waits, lambda _: None, parallel=3)] == ["passed"] * 6


def test_one_at_a_time_never_overlaps():
    busy = threading.Lock()

    def alone(case: Case) -> Outcome:
        assert busy.acquire(blocking=False)
        busy.release()
        return passes(case)

    assert {each.status for each in run_all(CASES, alone, lambda _: None)} == {"passed"}


def test_fail_fast_starts_nothing_more():
    def fails(case: Case) -> Outcome:
        return Outcome(case, "failed" if case.name == "b" else "passed")

    found = run_all(CASES, fails, lambda _: None, fail_fast=True)

    assert [each.status for each in found] == ["passed", "failed", *["not-run"] * 4]


def test_a_case_that_breaks_its_thread_has_errored():
    def breaks(case: Case) -> Outcome:
        raise RuntimeError("oh")

    (found,) = run_all([case("a")], breaks, lambda _: None)

    assert (found.status, found.reason) == ("errored", "octo broke: RuntimeError: oh")


def test_a_case_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "GRACE", 0.0)
    end = threading.Event()

    def blocks(each: Case) -> Outcome:
        end.wait(20)
        return passes(each)

    found = run_all([case("a", 0.01), case("b", 0.01)], blocks, lambda _: None)
    end.set()

    assert {each.status for each in found} == {"errored"}
    assert found[0].reason == "octo did not finish within 0.01s, and it could not be stopped"


def test_an_interruption_tells_the_rest_as_not_run():
    told: list[str] = []

    def interrupts(outcome: Outcome) -> None:
        told.append(outcome.status)
        if outcome.case.name == "b":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(CASES, passes, interrupts)

    assert told == ["passed", "passed", *["not-run"] * 4]
