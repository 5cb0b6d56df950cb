"""Sending: one producer per connector, whose acknowledgements come from a thread of its own.

Records that are sent at the same time share requests, so many at once are fast. `send` returns when all replicas that
are in step have the record; records of one key keep the order in which `send` was called.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from octo.connectors.kafka import client, codes
from octo.connectors.kafka.apart import Apart
from octo.connectors.kafka.settings import Cluster
from octo.core.errors import OctoError, Permanent, Transient
from octo.core.threads import Threads
from octo.expr import nearest

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message as Sent
    from confluent_kafka.admin import ClusterMetadata  # type: ignore[attr-defined]  # documented there

OPENING = 10.0
"""Seconds that a broker has to answer when the connector is opened."""
PROBE = 5.0
"""Seconds that a broker has to answer when it is asked whether all is well."""
_ANY = "octo"
"""A topic to ask for when any answer will do: it need not exist."""
_TURN = 0.1
_LAST = 2.0
"""Seconds that records have to be acknowledged when the connector is closed. Their flows have ended, so none waits."""

Headers = Sequence[tuple[str, str | bytes | None]]


class Sender(Apart):
    """See the module."""

    def __init__(self, settings: Cluster) -> None:
        super().__init__("octo-kafka-sender")
        from confluent_kafka import KafkaException, Producer

        self._brokers = ", ".join(settings.brokers)
        self._threads = Threads("kafka", most=8)
        self._calls: dict[str | None, asyncio.Future[ClusterMetadata]] = {}
        self._results: deque[tuple[asyncio.Future[Sent], KafkaError | None, Sent]] = deque()
        self._is_told = False
        self._moved = asyncio.Event()
        self._turn = asyncio.Lock()
        self._trouble = client.Trouble(self._brokers)
        self._refused: asyncio.Future[OctoError] = self._loop.create_future()
        try:
            self._producer: Any = Producer({**client.producer(settings), "error_cb": self._troubled})
        except KafkaException as error:
            raise Permanent(f"these settings do not work: {error.args[0].str()}", code=codes.REFUSED) from None

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Cluster) -> AsyncIterator[Self]:
        """A sender whose cluster has answered. Raises `Transient` if it does not, `Permanent` if it refuses."""
        sender = cls(settings)
        sender.start()
        try:
            await sender.cluster(OPENING)
            yield sender
        finally:
            await sender.left()

    async def send(self, topic: str, value: bytes | None, key: str | bytes | None, headers: Headers) -> Sent:
        """Return the record with its partition and offset, once it is acknowledged."""
        try:
            return await self._sent(topic, value, key, headers)
        except OctoError as error:
            if error.code != codes.NO_TOPIC:
                raise
        # The library remembers for minutes that a topic was not there. To ask for it makes it look again.
        if not await self._is_there(topic):
            raise Permanent(f"there is no topic {topic[:249]!r}{await self._guess(topic)}", code=codes.NO_TOPIC)
        return await self._sent(topic, value, key, headers)

    async def _sent(self, topic: str, value: bytes | None, key: str | bytes | None, headers: Headers) -> Sent:
        from confluent_kafka import KafkaException

        future: asyncio.Future[Sent] = self._loop.create_future()
        told = partial(self._acknowledged, future)
        try:
            async with self._turn:  # who comes while others wait for room is behind them
                while not self._is_queued(topic, value, key, headers=headers, on_delivery=told):
                    await self._moved.wait()
            return await future
        except KafkaException as error:
            raise client.failure(error.args[0], f"publish to {topic[:80]!r}") from None

    def _is_queued(self, *record: object, **more: object) -> bool:
        """Whether the library took the record. If not, as much waits as may: each that is settled makes room."""
        try:
            self._producer.produce(*record, **more)
        except BufferError:
            return False
        return True

    # --- what is known of the cluster ----------------------------------------------------------------------------

    async def cluster(self, seconds: float = PROBE) -> str:
        """The id of the cluster, from a broker that answers now. Raises `Transient`, or `Permanent` if it refuses."""
        return str((await self._metadata(_ANY, seconds)).cluster_id)

    async def exists(self, topic: str) -> None:
        """Return if the topic exists. Raises `Transient` if not: it may be created any time."""
        if not await self._is_there(topic):
            raise Transient(f"there is no topic {topic!r}{await self._guess(topic)}", code=codes.NO_TOPIC)

    async def _is_there(self, topic: str) -> bool:
        found = (await self._metadata(topic, PROBE)).topics[topic]
        if found.error is None:
            return True
        error = client.failure(found.error, f"the topic {topic[:80]!r}")
        if error.code == codes.NO_TOPIC:
            return False
        raise error

    async def _guess(self, topic: str) -> str:
        known = [each for each in (await self._metadata(None, PROBE)).topics if not each.startswith("__")]
        guess = nearest(topic, known)
        return f"; did you mean {guess!r}?" if guess else ""

    async def _metadata(self, topic: str | None, seconds: float) -> ClusterMetadata:
        from confluent_kafka import KafkaException

        call = self._calls.get(topic)
        if call is None or call.done():  # who asks while nobody answers shares the thread that waits
            asked = partial(self._producer.list_topics, *(() if topic is None else (topic,)), timeout=seconds)
            call = self._calls[topic] = self._loop.run_in_executor(self._threads, asked)
            call.add_done_callback(lambda done: done.cancelled() or done.exception())
        both: set[asyncio.Future[Any]] = {call, self._refused}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not call.done():
            raise self._refused.result()
        try:
            found: ClusterMetadata = call.result()
        except KafkaException:
            reason = self._trouble.text or f"no answer within {seconds:g}s"
            raise Transient(f"no broker of {self._brokers} answers: {reason}", code=codes.UNREACHABLE) from None
        self._trouble.text = ""
        return found

    # --- from the thread -----------------------------------------------------------------------------------------

    def run(self) -> None:
        while not self.is_over:
            self._producer.poll(_TURN)
        self._producer.flush(_LAST)
        self._producer.purge()
        self._producer.flush(_TURN)

    def _acknowledged(self, future: asyncio.Future[Sent], error: KafkaError | None, sent: Sent) -> None:
        self._results.append((future, error, sent))
        if not self._is_told:  # one call of the event loop for all that come at once
            self._is_told = True
            self.tell(self._hand)

    def _hand(self) -> None:
        from confluent_kafka import KafkaException

        self._is_told = False
        while self._results:
            future, error, sent = self._results.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(sent)
            else:
                future.set_exception(KafkaException(error))
        self._moved.set()
        self._moved = asyncio.Event()

    def _troubled(self, error: KafkaError) -> None:
        self._trouble.note(error)
        if client.is_refusal(error):
            self.tell(self._refuse, f"the cluster at {self._brokers} refuses: {error.str()}")

    def _refuse(self, reason: str) -> None:
        if not self._refused.done():
            self._refused.set_result(Permanent(reason, code=codes.REFUSED))
