"""What groups of processes use: an instance and all that it has started, which cannot leave its group."""

from __future__ import annotations

import os
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_GROUP, _THREADS = 2, 17
"""Places in /proc/PID/stat, behind the name of the program."""
_SHARE = b"Pss:"
_MOST = 100
"""Processes of a group whose memory is asked for: it takes a millisecond each."""


class Usage(NamedTuple):
    """tasks: processes and their threads. memory: bytes of all but the first one; of what several have, their share."""

    tasks: int = 0
    memory: int = 0


class Groups:
    """Counts them again and again. A process that was seen elsewhere is not looked at a second time."""

    def __init__(self) -> None:
        self._others: set[int] = set()

    def count(self, leaders: AbstractSet[int]) -> dict[int, Usage]:
        """What each group uses, by the process that leads it; nothing where the system does not tell."""
        known = self._others - leaders  # a process has its own group only once it has begun
        found: dict[int, dict[int, int]] = {each: {} for each in leaders}
        self._others = set()
        for pid in _processes() if leaders else ():
            group, threads = (0, 0) if pid in known else _looked(pid)
            if group in found:
                found[group][pid] = threads
            else:
                self._others.add(pid)
        return {leader: _usage(leader, threads) for leader, threads in found.items()}


def _usage(leader: int, threads: dict[int, int]) -> Usage:
    others = [pid for pid in threads if pid != leader]
    return Usage(sum(threads.values()), sum(map(_memory, others[:_MOST])))


def _processes() -> list[int]:
    with suppress(OSError):
        return [int(each) for each in os.listdir(_PROC) if each.isdecimal()]  # noqa: PTH208  thousands, twice a second
    return []


def _looked(pid: int) -> tuple[int, int]:
    """Its group and how many threads it has."""
    with suppress(OSError, IndexError, ValueError):  # it has just ended
        parts = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        return int(parts[_GROUP]), int(parts[_THREADS])
    return 0, 0


def _memory(pid: int) -> int:
    with suppress(OSError, IndexError, ValueError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_bytes().splitlines():
            if line.startswith(_SHARE):
                return int(line.split()[1]) << 10
    return 0
