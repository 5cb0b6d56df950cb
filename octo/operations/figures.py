"""Metrics of the process itself: how late its event loop is, and the memory, CPU and files it uses."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from octo import __version__
from octo.core.descriptors import limit
from octo.core.log import lost
from octo.engine.metrics import Histogram, Series

EVERY = 0.25
"""Seconds between two measurements of the loop."""
RECENT = 10.0
"""Seconds for which the worst lag is remembered."""

_PROC = Path("/proc/self")


class Lag:
    """Measures how late the event loop calls back: so long any message waits while others compute.

    clock: returns seconds since any fixed moment.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._all = Histogram()
        self._recent: deque[float] = deque([0.0], maxlen=round(RECENT / EVERY))
        self._due = 0.0
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Measure from now on, in the running loop."""
        self._due = self._clock() + EVERY
        self._next = asyncio.get_running_loop().call_later(EVERY, self._look)

    def _look(self) -> None:
        late = max(0.0, self._clock() - self._due)
        self._all.add(late)
        self._recent.append(late)
        self.start()

    def since(self) -> float:
        """Seconds since the loop should have called back; at most 0 if it is in time. May be called in any thread."""
        return self._clock() - self._due if self._next is not None else 0.0

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def snapshot(self) -> dict[str, Series]:
        return {
            "octo_event_loop_lag_seconds": [((), self._all.value())],
            "octo_event_loop_lag_max_seconds": [((), max(self._recent))],
        }


BORN = time.time()
"""When this process began to run Octo, in seconds since the epoch."""
_BORN_AT = time.monotonic()


def uptime() -> float:
    """Seconds since then, whatever happened to the wall clock."""
    return round(time.monotonic() - _BORN_AT, 1)


def process() -> dict[str, Series]:
    """Return what this process is and uses. Entries that the system does not provide are left out."""
    found: dict[str, Series] = {
        "octo_processes": [((), 1)],
        "octo_processes_replaced_total": [((), 0)],  # a process that has siblings leaves the count to its supervisor
        "octo_build_info": [((__version__, platform.python_version()), 1)],
        "octo_log_lines_lost_total": [((), lost())],
        "process_cpu_seconds_total": [((), time.process_time())],
        "process_start_time_seconds": [((), BORN)],
    }
    with suppress(OSError):
        found["process_resident_memory_bytes"] = [((), memory())]
        found["process_max_fds"] = [((), limit())]
        found["process_open_fds"] = [((), sum(1 for _ in (_PROC / "fd").iterdir()))]
    return found


def memory() -> int:
    """Resident memory in bytes."""
    return int((_PROC / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
