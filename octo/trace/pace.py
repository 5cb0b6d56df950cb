"""How much processor time the writer may use: what the flows leave of one core, and a little in any case."""

from __future__ import annotations

import time

LEAST = 0.05
"""The share of a core that the writer takes however busy the flows are. If it is too little, traces are lost, and
counted.
"""

SPARE = 0.1
"""The share of a core that stays free beyond what the flows use now."""

WINDOW = 0.02
"""Seconds over which the load of the flows is measured, at least."""


class Pace:
    """See the module. The writer's thread calls `begin` before each stretch of work, and `rest` after it.

    What the sinks do with the traces counts as the writer's work: it is done for the traces, not for messages.
    """

    def __init__(self) -> None:
        self._busy = self._spent = 0.0
        self._look()
        self.begin()

    def begin(self) -> None:
        self._began, self._mine = time.perf_counter(), time.thread_time()

    def rest(self, spent: float = 0.0) -> float:
        """Seconds to rest now. spent: processor time of the sinks' threads, since they began."""
        now = time.perf_counter()
        worked, written = time.thread_time() - self._mine, spent - self._spent
        self._spent = spent
        self._worked += worked
        self._written += written
        self._stretched += now - self._began
        if now - self._wall > WINDOW:
            process = time.process_time() - self._process - self._written
            self._busy = busy(now - self._wall, process, self._worked, self._stretched)
            self._look()
        return (worked + written) * (1 / share(self._busy) - 1)

    def _look(self) -> None:
        self._wall, self._process = time.perf_counter(), time.process_time()
        self._worked = self._written = self._stretched = 0.0


def busy(wall: float, process: float, worked: float, stretched: float) -> float:
    """The share of a core that the other threads used, or would have used.

    process: processor time of the whole process within `wall`, without that of the sinks. worked: processor time of
    this thread, for which it took `stretched` seconds. A thread that had to wait for the processor while it worked has
    taken time from others, even if the process used little: a container with half a core is full at half.
    """
    used = max(0.0, process - worked) / wall
    waited = 1.0 - worked / stretched if stretched else 0.0
    return max(used, waited)


def share(others: float) -> float:
    """The share of a core that the writer may use while the others use this much."""
    return max(LEAST, 1.0 - others - SPARE)
