"""What a supervisor knows of one child, and what follows: whether it hangs, and when its successor may start.

Times are seconds of any clock that never goes back.
"""

from __future__ import annotations

from octo.cli import exits
from octo.core.backoff import Backoff, Failures

STABLE = 10.0
"""A process that ran for this many seconds had started well."""

PAUSES = Backoff()
"""The least time from one birth to the next of a process that does not live long."""


START = 120.0
"""Seconds without a sign of life that a start may take, if that is more: it imports an author's modules."""


class Vitals:
    """One place among the children: the child that has it now, and what became of those before.

    hung_after: seconds without a sign of life after which a child that has started hangs; 0 for never.
    """

    def __init__(self, hung_after: float) -> None:
        self._hung_after = hung_after
        self._failures = Failures(PAUSES)
        self._had_started = False
        self._has_started = False
        self._born = self._heard = 0.0

    def begin(self, now: float) -> None:
        """Note the birth of a child."""
        self._had_started = self._had_started or self._has_started
        self._has_started = False
        self._born = self._heard = now

    def beat(self, now: float, has_started: bool) -> None:
        """Note a sign of life. has_started: whether the flows of the child run."""
        self._heard = now
        self._has_started = self._has_started or has_started

    def forgive(self, now: float) -> None:
        """Take the silence until now as no silence: this process could not have heard a sign of life itself."""
        self._heard = now

    def silence(self, now: float) -> float:
        """Seconds since the last sign of life."""
        return now - self._heard

    def is_hung(self, now: float) -> bool:
        longest = self._hung_after if self._has_started else max(self._hung_after, START)
        return self._hung_after > 0 and longest < self.silence(now)

    def may_be_replaced(self, code: int, now: float) -> bool:
        """Whether a successor may start well: what kept the first child from starting keeps every other from it."""
        if code < 0 or self._had_started or self._has_started:
            return True
        return code != exits.USAGE and now - self._born >= STABLE

    def end(self, now: float) -> float:
        """Note the end of the child. Return when its successor may start."""
        return max(now, self._born + self._failures.failed(held=now - self._born))
