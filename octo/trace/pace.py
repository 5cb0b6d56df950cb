"""How much of a process may go into writing traces: what its flows leave of one core, and a little in any case."""

from __future__ import annotations

import time

LEAST = 0.05
"""The share of a core that is taken however busy the flows are; what it is not enough for is lost, and counted."""

SPARE = 0.1
"""The share that stays free beyond what the flows use now."""

WINDOW = 0.02
"""Seconds over which it is looked how busy they are."""


class Pace:
    """See the module; for the thread that writes."""

    def __init__(self) -> None:
        self._busy = 0.0
        self._look()

    def _look(self) -> None:
        self._wall, self._process, self._mine = time.perf_counter(), time.process_time(), time.thread_time()
        self._worked = self._mine

    def rest(self) -> float:
        """Seconds to rest now, after what was done since the last time."""
        mine, wall = time.thread_time(), time.perf_counter() - self._wall
        worked, self._worked = mine - self._worked, mine
        if wall > WINDOW:
            self._busy = busy(wall, time.process_time() - self._process, mine - self._mine)
            self._look()
        return worked / share(self._busy) - worked


def busy(wall: float, process: float, mine: float) -> float:
    """How much of a core all other threads used."""
    return max(0.0, process - mine) / wall


def share(others: float) -> float:
    """The share of a core that may be used beside these others."""
    return max(LEAST, 1.0 - others - SPARE)
