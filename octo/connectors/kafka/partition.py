"""One partition of a topic while this process has it: which records may be handed out, and up to where all are done.

The records of a lane are handed out one at a time, in their order. A lane is the whole partition, or one key of it.

Invariants:
- `_open` has every record that was read and is not passed, in the order of its offsets.
- All records before `position` are finished, so it may be committed; None until the first is.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

Place = tuple[str, int]
"""A topic, and the number of a partition."""


class Record:
    """A record that was read. raw: as the client gives it. size: its bytes. lane: see the module."""

    __slots__ = ("attempt", "lane", "offset", "partition", "raw", "size")

    def __init__(self, partition: Partition, offset: int, lane: object, size: int, raw: Any) -> None:
        self.partition = partition
        self.offset = offset
        self.lane = lane
        self.size = size
        self.raw = raw
        self.attempt = 1


class Passed(NamedTuple):
    """What finishing a record has led to.

    following: the next record of its lane. records, size: how many, and how many bytes, lie before `position` now and
    did not before.
    """

    following: Record | None
    records: int
    size: int


class Partition:
    """See the module.

    running: records that are handed out. is_leaving: no further ones are. is_gone: this process has it no more.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.position: int | None = None
        self.running = 0
        self.is_leaving = False
        self.is_gone = False
        self._open: deque[Record] = deque()
        self._finished: set[int] = set()
        self._lanes: dict[object, deque[Record]] = {}

    def add(self, record: Record) -> bool:
        """Take a record that was read. Returns whether it may be handed out at once."""
        self._open.append(record)
        waiting = self._lanes.get(record.lane)
        if waiting is None:
            self._lanes[record.lane] = deque()
            return True
        waiting.append(record)
        return False

    def finish(self, record: Record) -> Passed:
        """Note that a record which was handed out is finished."""
        self._finished.add(record.offset)
        records = size = 0
        while self._open and self._open[0].offset in self._finished:
            first = self._open.popleft()
            self._finished.discard(first.offset)
            self.position = first.offset + 1
            records, size = records + 1, size + first.size
        record.raw = None  # a record that waits to be passed need not be kept whole
        return Passed(self._following(record), records, size)

    def _following(self, record: Record) -> Record | None:
        waiting = self._lanes[record.lane]
        if waiting:
            return waiting.popleft()
        del self._lanes[record.lane]
        return None
