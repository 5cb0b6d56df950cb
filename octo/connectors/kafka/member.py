"""A member of a consumer group: it reads and commits in a thread of its own, and tells a `Reader` what happens.

The thread polls all the time, whatever the flow does, so the group never takes it for dead. It never waits for the
flow but when it has to give partitions away: then their records under way may finish, for at most `HANDOVER` seconds.

Invariants:
- Only the thread uses the consumer.
- `_wanted` is to be committed, `_asked` is being committed; only of partitions that it has.
- Of each partition that it has, `_held` tells how much was read and is not finished.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from octo.connectors.kafka import client
from octo.connectors.kafka.apart import Apart
from octo.connectors.kafka.partition import Place
from octo.core.log import fields

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message as Raw, TopicPartition

log = logging.getLogger("octo.kafka")

HANDOVER = 30.0
"""Seconds that records under way may take when their partition goes to another process. Far less than the time after
which the group takes a silent member for dead (`max.poll.interval.ms`)."""

_MANY, _FEW = 1000, 250
"""Records of a partition that are held at most, and when it is read again."""
_HEAVY, _LIGHT = 4 * client.MIB, client.MIB
"""The same in bytes."""
_BATCH = 500
_BUSY, _QUIET = 0.005, 0.1
"""Seconds that one look for records takes, while some are under way (then commits must not wait long), and else."""
_MOMENT, _GRACE = 0.02, 0.2
"""A partition that is held enough of is paused after so many seconds only: pausing throws away what was read ahead."""
_AGAIN = 0.2
"""Seconds until a commit that failed is tried again."""
_CHANGING = ("ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID")
_LAST = 5.0
"""Seconds for the commits of a member that leaves."""


class Told(Protocol):
    """Who is told; each is called in the event loop, in the order of what happened."""

    def assigned(self, places: Sequence[Place]) -> None: ...
    def read(self, records: Sequence[Raw]) -> None: ...
    def leaving(self, places: Sequence[Place], over: threading.Event) -> None:
        """Hand out nothing more of these; set `over` once none is under way."""

    def gone(self, places: Sequence[Place]) -> None: ...
    def committed(self, positions: Mapping[Place, int]) -> None: ...
    def failed(self, error: KafkaError) -> None: ...


class _Held:
    """What is held of a partition. since: when it became enough, None while it is not."""

    __slots__ = ("is_paused", "records", "since", "size")

    def __init__(self) -> None:
        self.records = self.size = 0
        self.is_paused = False
        self.since: float | None = None

    @property
    def is_enough(self) -> bool:
        return self.records >= _MANY or self.size >= _HEAVY

    @property
    def is_little(self) -> bool:
        return self.records <= _FEW and self.size <= _LIGHT


class Member(Apart):
    """See the module. seen: when the thread last went through its loop, by `time.monotonic`.

    is_over: it ends now, as when the connector is closed. is_leaving: it ends once nothing is under way.
    """

    def __init__(self, config: Mapping[str, Any], topics: Sequence[str], told: Told) -> None:
        super().__init__("octo-kafka-member")
        self._config = config
        self._topics = list(topics)
        self._told = told
        self._changed = threading.Condition()
        self._held: dict[Place, _Held] = {}
        self._wanted: dict[Place, int] = {}
        self._asked: dict[Place, int] = {}
        self._touched: set[Place] = set()
        """Partitions that came or went while a batch was read: its records of them are of an earlier time, and will be
        read again by whoever has them now."""
        self._not_before = 0.0
        self._known: dict[str, int] = {}
        """How many partitions each topic had when this member began."""
        self._trouble = client.Trouble(config["bootstrap.servers"])
        self.seen = time.monotonic()
        self.is_leaving = False
        self._consumer: Any = None

    # --- for the event loop --------------------------------------------------------------------------------------

    def finished(self, place: Place, records: int, size: int, position: int) -> None:
        """So many records of the partition are finished: commit that, and read on."""
        with self._changed:
            held = self._held.get(place)
            if held is not None:
                held.records -= records
                held.size -= size
                self._wanted[place] = position
                self._changed.notify()

    def leave(self) -> None:
        """Leave the group, in the thread, once what is under way is finished; see `HANDOVER`."""
        with self._changed:
            self.is_leaving = True
            self._changed.notify()

    # --- in the thread -------------------------------------------------------------------------------------------

    def run(self) -> None:
        from confluent_kafka import Consumer

        self._consumer = consumer = Consumer({**self._config, "error_cb": self._troubled, "on_commit": self._answered})
        try:
            consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
            while not (self.is_over or self.is_leaving):
                self.seen = time.monotonic()
                self._commit()
                if self._has_room():
                    self._read(_BUSY if any(each.records for each in self._held.values()) else _QUIET, _BATCH)
                else:
                    self._read(0, 0)  # one record too many, for the sake of what else `poll` brings
        finally:
            self._last()
            consumer.close()

    def _read(self, seconds: float, more: int) -> None:
        """Read what comes within so many seconds, and at most so many records that are there behind the first."""
        first = self._consumer.poll(seconds)
        if first is None:
            return
        self._touched.clear()
        records = []
        for each in (first, *(self._consumer.consume(more, 0) if more else ())):
            if (error := each.error()) is not None:
                self._troubled(error)
            elif place_of(each) not in self._touched:
                records.append(each)
        with self._changed:
            for each in records:
                held = self._held[place_of(each)]
                held.records += 1
                held.size += size_of(each)
        self.tell(self._told.read, records)

    def _has_room(self) -> bool:
        """Whether to read on, once partitions that are held enough of are paused; see `_GRACE`."""
        with self._changed:
            if any(each.is_enough and not each.is_paused for each in self._held.values()):
                self._changed.wait(_MOMENT)
            late, again, is_full = self._sorted(time.monotonic())
        if late:
            self._consumer.pause(_partitions(late))
        if again:
            self._consumer.resume(_partitions(again))
        return not is_full

    def _sorted(self, now: float) -> tuple[list[Place], list[Place], bool]:
        """The partitions to pause, those to read again, and whether there are others that are held enough of."""
        late, again, is_full = [], [], False
        for place, held in self._held.items():
            if held.is_paused:
                if held.is_little:
                    held.is_paused = False
                    again.append(place)
            elif not held.is_enough:
                held.since = None
            elif now - (held.since or now) > _GRACE:
                held.is_paused, held.since = True, None
                late.append(place)
            else:
                held.since = held.since or now
                is_full = True
        return late, again, is_full

    # --- commits -------------------------------------------------------------------------------------------------

    def _commit(self) -> None:
        """Ask for a commit of what is wanted. One is under way at a time, and what finishes meanwhile shares the next.

        It does not wait: without a broker that would take long, and the thread has to poll.
        """
        if self._asked or time.monotonic() < self._not_before:
            return
        with self._changed:
            self._asked, self._wanted = self._wanted, {}
        if self._asked:
            self._consumer.commit(offsets=_partitions(self._asked, self._asked), asynchronous=True)

    def _answered(self, error: KafkaError | None, partitions: Sequence[TopicPartition]) -> None:
        """What became of a commit; within `poll`."""
        asked, self._asked = self._asked, {}
        failed = {(each.topic, each.partition): each.error for each in partitions if each.error is not None}
        if error is not None:
            failed = dict.fromkeys(asked, error)
        if failed:
            self._put_back({place: asked[place] for place in failed if place in asked}, next(iter(failed.values())))
        self.tell(self._told.committed, {place: at for place, at in asked.items() if place not in failed})

    def _put_back(self, asked: Mapping[Place, int], error: KafkaError) -> None:
        # While the group changes that is usual: who is about to lose the partition hears of it next.
        level = logging.INFO if error.name() in _CHANGING else logging.WARNING
        log.log(level, "a commit failed, trying again", extra=fields(partitions=len(asked), error=error.str()))
        with self._changed:
            self._wanted = {place: at for place, at in asked.items() if place in self._held} | self._wanted
            self._not_before = time.monotonic() + _AGAIN

    def _last(self) -> None:
        """Commit all that is finished, and wait for it: afterwards the partitions may belong to others."""
        from confluent_kafka import KafkaException

        until = time.monotonic() + _LAST
        while time.monotonic() < until:
            with self._changed:
                wanted = self._asked | self._wanted
                self._asked, self._wanted = {}, {}
            if not wanted:
                return
            try:
                self._consumer.commit(offsets=_partitions(wanted, wanted), asynchronous=False)
            except KafkaException as error:
                self._put_back(wanted, error.args[0])
                time.sleep(_AGAIN)
            else:
                self.tell(self._told.committed, wanted)

    # --- the group, within `poll` --------------------------------------------------------------------------------

    def _assigned(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        places = _places(partitions)
        log.info("partitions were assigned", extra=fields(**self._about(places)))
        self._touched.update(places)
        with self._changed:
            self._held |= {place: _Held() for place in places}
        if self._config["auto.offset.reset"] == "latest":
            consumer.incremental_assign(self._begun(consumer, partitions))
        self.tell(self._told.assigned, places)

    def _begun(self, consumer: Any, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """The partitions with where to begin, for a group that begins behind the newest record.

        That place is committed at once: else it would be another one after the next restart, and what comes until then
        would never be read. A partition that is added later is new as a whole.
        """
        from confluent_kafka import KafkaException

        try:
            self._known = self._known or {topic: _size(consumer, topic) for topic in self._topics}
            found: list[TopicPartition] = consumer.committed(partitions, timeout=_LAST)
            for each in found:
                if each.error is not None:
                    raise KafkaException(each.error)
                if each.offset < 0:
                    oldest, newest = consumer.get_watermark_offsets(each, timeout=_LAST)
                    each.offset = oldest if each.partition >= self._known[each.topic] else newest
                    with self._changed:
                        self._wanted[each.topic, each.partition] = each.offset
        except KafkaException as error:
            log.warning("the place where the group begins is not kept yet", extra=fields(error=str(error)))
            return partitions
        return found

    def _revoked(self, _: object, partitions: Iterable[TopicPartition]) -> None:
        places = _places(partitions)
        over, until = threading.Event(), time.monotonic() + HANDOVER
        self.tell(self._told.leaving, places, over)
        while not self.is_over and not over.wait(_MOMENT) and time.monotonic() < until:
            pass
        self._last()
        log.info("partitions were given back", extra=fields(**self._about(places)))
        self._forget(places)

    def _lost(self, _: object, partitions: Iterable[TopicPartition]) -> None:
        places = _places(partitions)
        log.warning("partitions were lost: the group took this process for dead", extra=fields(**self._about(places)))
        self._forget(places)

    def _forget(self, places: Sequence[Place]) -> None:
        self._touched.update(places)
        with self._changed:
            for place in places:
                self._held.pop(place, None)
                self._wanted.pop(place, None)
        self.tell(self._told.gone, places)

    def _about(self, places: Sequence[Place]) -> dict[str, object]:
        named = ", ".join(f"{topic}/{number}" for topic, number in sorted(places)[:20])
        return {"group": self._config["group.id"], "count": len(places), "partitions": named}

    def _troubled(self, error: KafkaError) -> None:
        self._trouble.note(error)
        if not client.is_passing(error):
            self.tell(self._told.failed, error)


def place_of(record: Raw) -> Place:
    return record.topic() or "", record.partition() or 0


def size_of(record: Raw) -> int:
    """The bytes of a record."""
    return len(record.value() or b"") + len(record.key() or b"")


def _size(consumer: Any, topic: str) -> int:
    """How many partitions the topic has."""
    return len(consumer.list_topics(topic, timeout=_LAST).topics[topic].partitions)


def _places(partitions: Iterable[TopicPartition]) -> list[Place]:
    return [(each.topic, each.partition) for each in partitions]


def _partitions(places: Iterable[Place], offsets: Mapping[Place, int] | None = None) -> list[TopicPartition]:
    from confluent_kafka import TopicPartition

    if offsets is None:
        return [TopicPartition(*place) for place in places]
    return [TopicPartition(*place, offsets[place]) for place in places]
