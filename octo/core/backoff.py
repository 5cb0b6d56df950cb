"""Back-off: how long to wait before a failed operation is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple


class Backoff(NamedTuple):
    """Pauses in seconds: `first`, then each `factor` times as long as the one before, at most `longest`.

    jitter: the share of a pause that chance may take away, so that calls that failed together do not return together.
    chance: returns a number from 0 to 1; tests replace it.
    """

    first: float = 1.0
    longest: float = 30.0
    jitter: float = 0.0
    chance: Callable[[], float] = random.random
    factor: float = 2.0

    def pause(self, failures: int) -> float:
        """Return the pause before the next try, after `failures` failures in a row."""
        try:
            whole = min(self.longest, self.first * self.factor ** (failures - 1))
        except OverflowError:  # a system that is down for weeks
            whole = self.longest
        return whole * (1 - self.jitter * self.chance()) if self.jitter else whole


AT_START = Backoff(0.5, 10)
"""The pauses before what does not start is tried again. A person may be waiting for it, so they are short."""


class Failures:
    """How often something has failed in a row."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self.count = 0

    def failed(self, held: float = 0.0) -> float:
        """Count a failure and return the pause before the next try.

        held: seconds for which it had worked before. If they exceed the longest pause, this is the first failure again.
        """
        self.count = 1 if held > self._backoff.longest else self.count + 1
        return self._backoff.pause(self.count)

    def worked(self) -> None:
        """Note a success: the next failure counts as the first."""
        self.count = 0
