"""A session: what the broker keeps for one source, over connections, and the messages of it that are not settled.

A session outlives the source that reads it: after a reload the next source goes on with what the one before has not
begun, and a message that is under way is settled on the same connection. When nobody reads it and nothing is under way,
its connection is closed; the broker keeps what comes.

Invariants:
- Acknowledgements go out in the order in which the messages came, as the protocol demands.
- What the broker has sent on this connection waits in `_arrived`, is `_under_way` (in the lanes of the source or in its
  flow), or is settled.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import insort
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from operator import itemgetter
from typing import Any

from octo.connectors.mqtt.link import Link, opened
from octo.connectors.mqtt.settings import TIMEOUT, Broker, Subscribe
from octo.core import letter, wire
from octo.core.beside import beside
from octo.core.delivery import Delivery, settling
from octo.core.lanes import Lanes
from octo.core.log import fields

log = logging.getLogger("octo.mqtt")

TOLD = 60.0
"""Seconds for which health tells of messages that were lost, and after which the log says it again."""
GRACE = 5.0
"""Seconds without a reader after which the connection is closed. A reload takes less."""
SIGN = 10.0
"""Seconds between two signs of life: the library asks the broker whether it lives, and ends the connection if not."""


class Session:
    """See the module."""

    def __init__(self, broker: Broker, client_id: str, settings: Subscribe) -> None:
        self.settings = settings
        self.client_id = client_id
        self.is_over = False
        self._broker = broker
        self._link: Link
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._numbers = count()
        self._arrived: list[tuple[int, Any]] = []
        self._came = asyncio.Event()
        self._unsettled: deque[int] = deque()
        self._settled: dict[int, int] = {}
        self._readers = 0
        self._under_way = 0
        self._changed = asyncio.Event()
        self._lost = 0
        self._lost_at = float("-inf")

    # --- its life ------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Be connected while somebody reads, or something is under way."""
        settings = self.settings
        try:
            async with opened(
                self._broker, self.client_id, self._take, expiry=settings.session_expiry, most=settings.listeners
            ) as self._link:
                await self._link.subscribe(settings.topics, settings.qos)
                self._ready.set_result(None)
                async with beside(self._link.watch()):
                    await self._unused()
                self.is_over = True
        except Exception as error:  # noqa: BLE001  who reads raises it
            if not self._ready.done():
                self._ready.set_exception(error)
                self._ready.exception()  # it counts as seen, also when nobody reads any more
        finally:
            self.is_over = True

    async def _unused(self) -> None:
        """Return once nobody has read it, and nothing was under way, for a while."""
        while True:
            self._changed.clear()
            is_used = self._readers or self._under_way
            try:
                async with asyncio.timeout(None if is_used else GRACE):
                    await self._changed.wait()
            except TimeoutError:
                return

    @property
    def is_read(self) -> bool:
        """Whether the broker sends what comes, and somebody reads it."""
        return bool(self._readers) and self._ready.done() and not self.is_over

    @property
    def lost(self) -> str:
        """That messages were lost within the last minute, "" if none were."""
        if asyncio.get_running_loop().time() - self._lost_at > TOLD:
            return ""
        return f"{self._lost} messages on {', '.join(self.settings.topics)} were lost: the flow is too slow for them"

    # --- reading -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Read while entered."""
        self._readers += 1
        self._changed.set()
        try:
            yield
        finally:
            self._readers -= 1
            self._changed.set()

    async def read(self, lanes: Lanes) -> None:
        """Put messages into the lanes while they have room, for ever."""
        await asyncio.shield(self._ready)
        async with beside(self._link.watch()):
            while True:
                await lanes.room()
                while not self._arrived:
                    self._came.clear()
                    try:
                        async with asyncio.timeout(SIGN):
                            await self._came.wait()
                    except TimeoutError:
                        lanes.alive()
                number, message = self._arrived.pop(0)
                self._under_way += 1
                lanes.put(self._delivery(number, message))

    async def adopt(self, settings: Subscribe) -> None:
        """Go on with other settings. How many messages the broker sends ahead stays as it is until it connects anew."""
        before, self.settings = self.settings, settings
        await asyncio.shield(self._ready)
        if before.qos != settings.qos:
            await self._link.subscribe(settings.topics, settings.qos)

    def _take(self, message: Any) -> None:
        """Take a message from the connection."""
        if message.qos:
            self._unsettled.append(message.mid)
        elif len(self._arrived) >= self.settings.buffer:
            self._missed()
            return
        self._arrived.append((next(self._numbers), message))
        self._came.set()

    def _missed(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._lost_at > TOLD:
            self._lost = 0
            log.warning("messages are lost: the flow is too slow", extra=fields(client=self.client_id))
        self._lost += 1
        self._lost_at = now

    def _delivery(self, number: int, message: Any) -> Delivery:
        given = self.settings
        variables = {"topic": _topic(message), "qos": message.qos, "retained": bool(message.retain)}
        more = getattr(message, "properties", None)
        taken = wire.taken(
            message.payload,
            getattr(more, "UserProperty", ()),
            given,
            variables,
            content_type=getattr(more, "ContentType", ""),
        )
        ends = partial(self._ack, message), partial(self._again, number, message), partial(self._away, message)
        return Delivery(
            taken.message,
            settling(*ends),
            attempt=2 if message.dup else 1,  # all that the protocol says of earlier ones
            most_attempts=given.max_attempts,
            timeout=given.timeout.total_seconds() or TIMEOUT.total_seconds(),
            unfit=taken.unfit,
        )

    # --- settling ------------------------------------------------------------------------------------------------

    async def _ack(self, message: Any) -> None:
        try:
            if message.qos:
                self._settled[message.mid] = message.qos
                self._acknowledge()
        finally:
            self._over()

    def _acknowledge(self) -> None:
        while self._unsettled and (mid := self._unsettled[0]) in self._settled:
            self._link.acknowledge(mid, self._settled[mid])
            self._unsettled.popleft()
            del self._settled[mid]

    async def _again(self, number: int, message: Any, _: float) -> None:
        """Keep it for who reads next, in its place. If the connection ends before that, the broker sends it again."""
        if message.qos:
            insort(self._arrived, (number, message), key=itemgetter(0))
            self._came.set()
        self._over()

    def _over(self) -> None:
        self._under_way -= 1
        self._changed.set()

    async def _away(self, message: Any, note: str) -> None:
        await self._ack(message)
        log.error("a message was given up", extra=fields(topic=_topic(message), reason=letter.reason_of(note)))


def _topic(message: Any) -> str:
    try:
        return str(message.topic)
    except UnicodeDecodeError:  # the protocol forbids it, and not every broker checks
        return ""
