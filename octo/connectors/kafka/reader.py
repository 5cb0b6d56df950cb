"""The records of one source: handed out in order, tried again in place, and committed when all before are finished.

A reader outlives the source that reads from it: after a reload, the next source with the same settings goes on where
the one before was, and the group notices nothing.

Invariants:
- `_ready` has the records that may be handed out; of each lane at most one is there, under way, or waits for its time.
- A record that is neither finished nor kept as a dead letter holds back its partition's position: it comes again.
- At most `UNCOMMITTED * listeners` records are finished and not committed, so that a kill repeats no more of them,
  however long a commit takes. While the group changes that may be a second.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from octo.connectors.kafka import client, codes, records
from octo.connectors.kafka.member import Member, place_of, size_of
from octo.connectors.kafka.partition import Partition, Place, Record
from octo.connectors.kafka.settings import Consume
from octo.core.delivery import Delivery, Idle, Reject, Retry, Verdict
from octo.core.errors import OctoError, Transient
from octo.core.log import fields

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message as Raw

log = logging.getLogger("octo.kafka")

LOOK = 20.0
"""Seconds after which a source without a record says that it works."""
DEAF = 60.0
"""Seconds without a sign of the member's thread after which the source says nothing any more; health turns red then."""
UNCOMMITTED = 4
"""See the module; so many that commits come in batches."""
BURY_AGAIN = 5.0
"""Seconds until a record is tried again that could not be put among the dead letters."""

Bury = Callable[["Raw", Reject], Awaitable[None]]
"""Puts a record where its dead letters go."""


class Reader:
    """See the module. cluster: the id of the cluster. bury: None if the source has no place for dead letters."""

    def __init__(self, settings: Consume, cluster: str, config: Mapping[str, Any], bury: Bury | None) -> None:
        self.settings = settings
        self.stopped: dict[Record, str] = {}
        self._cluster = cluster
        self._bury = bury
        self._partitions: dict[Place, Partition] = {}
        self._ready: deque[Record] = deque()
        self._running = 0
        self._uncommitted = 0
        self._handing_over: list[tuple[list[Partition], threading.Event]] = []
        self._commits: dict[Place, deque[tuple[int, asyncio.Future[None]]]] = {}
        self._changed = asyncio.Event()
        self._failed: OctoError | None = None
        self.member = Member(config, settings.topics, self)
        self.member.ended.add_done_callback(self._ended)
        self.member.start()

    @property
    def is_over(self) -> bool:
        """Whether it hands out nothing any more: another one must take its place."""
        return self._failed is not None or self.member.is_over or self.member.is_leaving

    def begin(self) -> None:
        """Let another source read: what stands still is tried again, with the flow as it is now."""
        for record in self.stopped:
            self._ready.append(record)
        self.stopped.clear()

    async def next(self) -> Delivery | Idle:
        """The next record; `Idle` if there is none for a while. Raises what ended the reader."""
        while True:
            if self._failed is not None:
                raise self._failed
            if (record := self._taken()) is not None:
                return self._delivery(record)
            self._changed.clear()
            try:
                async with asyncio.timeout(LOOK):
                    await self._changed.wait()
            except TimeoutError:
                if time.monotonic() - self.member.seen < DEAF:
                    return Idle()

    def _taken(self) -> Record | None:
        listeners = self.settings.listeners
        while self._ready and self._running < listeners and self._uncommitted < UNCOMMITTED * listeners:
            record = self._ready.popleft()
            if not record.partition.is_leaving:
                record.partition.running += 1
                self._running += 1
                return record
        return None

    def _delivery(self, record: Record) -> Delivery:
        message, unfit = records.taken(record.raw, self.settings, self._cluster)
        return Delivery(
            message,
            partial(self._settle, record),
            attempt=record.attempt,
            most_attempts=self.settings.max_attempts,
            unfit=unfit,
        )

    # --- what becomes of a record --------------------------------------------------------------------------------

    async def _settle(self, record: Record, verdict: Verdict) -> None:
        if isinstance(verdict, Reject) and not verdict.is_kept and not record.partition.is_gone:
            if self._bury is None:
                self._stop(record, verdict)
                return
            verdict = await self._buried(record, self._bury, verdict)
        if isinstance(verdict, Retry):
            self._again(record, verdict.after)
        else:
            await self._finish(record)

    async def _buried(self, record: Record, bury: Bury, verdict: Reject) -> Verdict:
        try:
            await bury(record.raw, verdict)
        except OctoError as error:
            about = self._about(record, error=str(error), reason=verdict.reason)
            log.error("a dead letter was not kept, trying again", extra=about)  # noqa: TRY400
            return Retry(BURY_AGAIN, error)
        about = self._about(record, to=self.settings.dead_letter_topic, reason=verdict.reason)
        log.warning("dead letter kept", extra=about)
        return verdict._replace(is_kept=True)

    def _stop(self, record: Record, verdict: Reject) -> None:
        """Leave the record where it is: whoever mends the flow finds it there."""
        self.stopped[record] = verdict.reason
        log.error(
            "a partition stands still: its record failed for good, and there is no place for dead letters",
            extra=self._about(record, reason=verdict.reason, code=codes.STOPPED),
        )
        self._done_with(record)

    def _again(self, record: Record, after: float) -> None:
        if after:
            record.attempt += 1
            asyncio.get_running_loop().call_later(after, self._due, record)
        else:  # a stop is not the record's fault: the same attempt, as soon as a source reads again
            self._ready.appendleft(record)
        self._done_with(record)

    def _due(self, record: Record) -> None:
        self._ready.append(record)
        self._changed.set()

    async def _finish(self, record: Record) -> None:
        partition = record.partition
        if partition.is_gone:
            log.warning("a record was finished after its partition had gone: it comes again", extra=self._about(record))
            self._done_with(record)
            return
        passed = partition.finish(record)
        if passed.following is not None:
            self._ready.append(passed.following)
        if not passed.records:  # one before it is not finished; it is committed with that one
            self._done_with(record)
            return
        assert partition.position is not None
        self.member.finished(partition.place, passed.records, passed.size, partition.position)
        committed = self._committed(partition.place, partition.position)
        self._done_with(record)
        await committed

    def _committed(self, place: Place, position: int) -> asyncio.Future[None]:
        """Done when the position is committed, or will never be."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._commits.setdefault(place, deque()).append((position, future))
        self._uncommitted += 1
        return future

    def _done_with(self, record: Record) -> None:
        record.partition.running -= 1
        self._running -= 1
        self._changed.set()
        if record.partition.is_leaving:
            self._hand_over()

    # --- told by the member --------------------------------------------------------------------------------------

    def assigned(self, places: Sequence[Place]) -> None:
        self._partitions |= {place: Partition(place) for place in places}

    def read(self, records: Sequence[Raw]) -> None:
        for raw in records:
            partition = self._partitions[place_of(raw)]
            offset = raw.offset() or 0
            record = Record(partition, offset, self._lane(raw, offset), size_of(raw), raw)
            if partition.add(record):
                self._ready.append(record)
        self._changed.set()

    def _lane(self, raw: Raw, offset: int) -> object:
        if self.settings.order == "partition":
            return None
        key = raw.key()
        return offset if key is None else key

    def leaving(self, places: Sequence[Place], over: threading.Event) -> None:
        partitions = [self._partitions[place] for place in places]
        for each in partitions:
            each.is_leaving = True
        self._handing_over.append((partitions, over))
        self._hand_over()

    def _hand_over(self) -> None:
        for partitions, over in self._handing_over:
            if not any(each.running for each in partitions):
                over.set()
        self._handing_over = [(partitions, over) for partitions, over in self._handing_over if not over.is_set()]

    def gone(self, places: Sequence[Place]) -> None:
        for place in places:
            partition = self._partitions.pop(place)
            partition.is_leaving = partition.is_gone = True
            if partition.running:
                about = fields(group=self.settings.group, topic=place[0], partition=place[1], records=partition.running)
                log.warning("records under way come again elsewhere", extra=about)
            self._resolve(place)
        self.stopped = {record: why for record, why in self.stopped.items() if not record.partition.is_gone}

    def committed(self, positions: Mapping[Place, int]) -> None:
        for place, position in positions.items():
            self._resolve(place, position)

    def _resolve(self, place: Place, position: int | None = None) -> None:
        """End the waiting for commits of a partition up to this position; None for all."""
        waiting = self._commits.get(place, deque())
        while waiting and (position is None or waiting[0][0] <= position):
            _, future = waiting.popleft()
            self._uncommitted -= 1
            self._changed.set()
            if not future.done():
                future.set_result(None)

    def failed(self, error: KafkaError) -> None:
        self._fail(client.failure(error, f"reading {', '.join(self.settings.topics)} as {self.settings.group!r}"))

    def _ended(self, ended: asyncio.Future[BaseException | None]) -> None:
        from confluent_kafka import KafkaException

        error = ended.result()
        if isinstance(error, KafkaException):
            self.failed(error.args[0])
        elif error is not None:
            log.error("a member of a consumer group broke", extra=fields(group=self.settings.group), exc_info=error)
        self._fail(
            Transient(f"the consumer of the group {self.settings.group!r} has ended: {error or 'it was closed'}")
        )

    def _fail(self, error: OctoError) -> None:
        self._failed = self._failed or error
        self._changed.set()

    def _about(self, record: Record, **more: object) -> dict[str, object]:
        topic, number = record.partition.place
        where = {"topic": topic, "partition": number, "offset": record.offset, "group": self.settings.group}
        return fields(**(where | more))
