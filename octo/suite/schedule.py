"""Running many cases: several at a time, each in its own thread, until all are done or one went wrong."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from octo.suite.case import Case
from octo.suite.outcome import Outcome

GRACE = 10.0
"""Seconds beyond its timeout after which the scheduler gives up a case that blocks its thread."""


def run_all(
    cases: Iterable[Case],
    run: Callable[[Case], Outcome],
    done: Callable[[Outcome], None],
    *,
    parallel: int = 1,
    fail_fast: bool = False,
) -> list[Outcome]:
    """Start the cases in order, `parallel` at a time; return their outcomes in the order of the cases.

    run: called in a new thread. done: called in this thread, for each case as it ends, in any order.
    fail_fast: start no further case once one went wrong. A KeyboardInterrupt also ends the run: cases that have not
    ended are reported as not run, and the interrupt is raised again.
    """
    schedule = _Schedule(list(cases), run, done, fail_fast=fail_fast)
    try:
        schedule.work(parallel)
    except KeyboardInterrupt:
        schedule.outcomes()
        raise
    return schedule.outcomes()


class _Schedule:
    def __init__(
        self, cases: list[Case], run: Callable[[Case], Outcome], done: Callable[[Outcome], None], *, fail_fast: bool
    ) -> None:
        self._cases = cases
        self._run = run
        self._done = done
        self._fail_fast = fail_fast
        self._ended: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()
        self._found: dict[int, Outcome] = {}
        self._latest: dict[int, float] = {}

    def work(self, parallel: int) -> None:
        waiting = deque(range(len(self._cases)))
        while waiting or self._latest:
            while waiting and len(self._latest) < parallel:
                self._start(waiting.popleft())
            self._wait()
            if self._fail_fast and any(outcome.is_wrong for outcome in self._found.values()):
                waiting.clear()

    def outcomes(self) -> list[Outcome]:
        for index, case in enumerate(self._cases):
            if index not in self._found:
                self._end(index, Outcome(case, "not-run"))
        return [self._found[index] for index in range(len(self._cases))]

    def _start(self, index: int) -> None:
        case = self._cases[index]
        self._latest[index] = time.monotonic() + patience(case)
        # A daemon: a case that never ends its thread must not keep the process alive.
        threading.Thread(target=self._work, args=(index,), name=case.id, daemon=True).start()

    def _work(self, index: int) -> None:
        case = self._cases[index]
        try:
            outcome = self._run(case)
        except BaseException as error:  # noqa: BLE001  `_wait` must learn that this thread ended
            outcome = Outcome(case, "errored", reason=f"octo broke: {type(error).__name__}: {error}")
        self._ended.put((index, outcome))

    def _wait(self) -> None:
        """Record one case that ended, or one that is given up."""
        index, latest = min(self._latest.items(), key=lambda each: each[1])
        try:
            ended, outcome = self._ended.get(timeout=max(0.0, latest - time.monotonic()))
        except queue.Empty:
            reason = f"octo did not finish within {self._cases[index].seconds:g}s, and it could not be stopped"
            ended, outcome = index, Outcome(self._cases[index], "errored", patience(self._cases[index]), (), reason)
        if self._latest.pop(ended, None) is not None:
            self._end(ended, outcome)

    def _end(self, index: int, outcome: Outcome) -> None:
        self._found[index] = outcome
        self._done(outcome)


def patience(case: Case) -> float:
    """Seconds of real time until a case is given up."""
    return GRACE + case.seconds + (0.0 if case.clock else sum(call.after for call in case.calls))
