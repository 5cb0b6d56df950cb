"""Whoever is not signed in fills no disk: of what they are refused, the audit log has a bounded number of entries."""

from __future__ import annotations

import time
from collections.abc import Callable

HOUR = 3600.0
MOST = 1_000
"""Entries in an hour, of each process. What is refused beyond them stands in the log alone."""


class Strangers:
    """See the module."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._began = clock()
        self._count = 0

    def take(self) -> bool:
        """Whether there is room for one more entry; it counts."""
        if self._clock() - self._began >= HOUR:
            self._began, self._count = self._clock(), 0
        self._count += 1
        return self._count <= self._most
