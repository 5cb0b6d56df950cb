"""Queues in a stream: a message has a subject of its own, the stream keeps the last on each. See `lane`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from octo.core.errors import Timeout
from octo.core.message import new_id
from octo.services import limits, values
from octo.services.bells import Ear
from octo.services.nats import looking, names, payload, streams
from octo.services.nats.lane import FREE, Given, Lane, next_attempt
from octo.services.nats.payload import Payload
from octo.services.nats.store import Changed, Store, bounded
from octo.services.nats.turns import Turns
from octo.services.ports import Received, Rejected, Seen

REMEMBERED = 120.0
"""Seconds for which the key of a message is remembered after it was acknowledged; until then it is, too."""
UNREAD = 60.0
"""Seconds for which a reply is kept after its caller has given up, or has gone."""
_LANES = 1000
"""Lanes that are remembered."""


@dataclass
class _Receipt:
    """until: the time of the loop up to which the message is surely lent."""

    lane: Lane
    given: Given
    until: float


class Lines:
    """See `octo.services.ports.Queues`."""

    keeps_order = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health
        self._lanes: dict[tuple[str, bool], Lane] = {}
        self._turns: dict[str, Turns] = {}
        self._asked = count()

    def _lane(self, queue: str, *, dead: bool) -> Lane:
        lane = self._lanes.get((queue, dead))
        if lane is None:
            if len(self._lanes) >= _LANES:
                self._lanes.clear()
            lane = self._lanes[queue, dead] = Lane(self._store, queue, dead=dead)
        return lane

    def _turns_of(self, queue: str) -> Turns:
        turns = self._turns.get(queue)
        if turns is None:
            if len(self._turns) >= _LANES:
                self._turns.clear()
            turns = self._turns[queue] = Turns(self._store, queue)
        return turns

    # --- sending -------------------------------------------------------------------------------------------------

    async def send(self, queue: str, value: object, *, delay: float = 0.0, key: str = "", order: str = "") -> str:
        limits.sending(queue, value, delay, key, order)
        message = new_id()
        about: dict[str, Any] = {"due": self._store.now() + bounded(delay)} if delay else {}
        if order:
            about["order"] = order
        if key:
            message = await self._send_once(queue, message, about, value, key)
        else:
            await self._send(queue, message, about, value)
        if order:
            await self._turns_of(queue).next(names.token(order))
        return message

    async def _send(self, queue: str, message: str, about: Mapping[str, Any], value: object) -> None:
        data = payload.written(about, values.sealed(value, queue, message))
        await self._store.write(self._place(queue, message, about), data)

    def _place(self, queue: str, name: str, about: Mapping[str, Any]) -> str:
        """Where a message goes that is sent: into the queue, or into the line of its ordering key."""
        if "order" in about:
            return self._turns_of(queue).subject(name, names.token(about["order"]))
        return self._lane(queue, dead=False).subject(name, FREE)

    async def _send_once(self, queue: str, message: str, about: Mapping[str, Any], value: object, key: str) -> str:
        """Its place is that of the key: in the queue, its line, the dead letters, and among those that were sent."""
        name = names.token(queue, key)
        data = payload.written({**about, "id": message}, values.sealed(value, queue, message))
        anywhere = self._store.subject("*", names.token(queue), name, "*")
        while True:
            try:
                await self._store.write(self._place(queue, name, about), data, last=0, where=anywhere)
            except Changed:
                found = await self._store.last(streams.QUEUES, anywhere)
                if found is not None:
                    return str(payload.read(found.data).about["id"])
            else:
                return message

    async def request(self, queue: str, value: object, *, timeout: float) -> object:
        limits.name(queue, "queue name")
        limits.size(value)
        limits.seconds(timeout, "timeout")
        asked = new_id()
        reply = self._store.subject("reply", self._store.process, str(next(self._asked)))
        about = {"reply": reply, "wait": bounded(timeout + UNREAD)}
        try:
            with self._store.listening(reply) as bell:
                async with asyncio.timeout(timeout):
                    await self._send(queue, asked, about, value)
                    found = await self._reply(reply, bell)
        except TimeoutError:
            raise Timeout(f"nobody on the queue {queue[:80]!r} replied within {timeout:g}s") from None
        if "reason" in found.about:
            raise Rejected(found.about["reason"])
        return values.opened(found.stored, asked)

    async def _reply(self, reply: str, bell: Ear) -> Payload:
        while True:
            await bell.heard()
            found = await self._store.last(streams.QUEUES, reply)
            if found is not None:
                return payload.read(found.data)

    # --- receiving -----------------------------------------------------------------------------------------------

    async def receive(
        self, queue: str, *, most: int = 1, lease: float = 30.0, wait: float = 0.0, dead: bool = False
    ) -> list[Received]:
        limits.name(queue, "queue name")
        limits.most(most)
        limits.seconds(lease, "lease")
        limits.delay(wait, "wait")
        lane, time = self._lane(queue, dead=dead), asyncio.get_running_loop().time
        if not dead:
            await self._turns_of(queue).look()
        while True:
            began = time()
            taken = await lane.take(most, bounded(lease), wait)
            until = time() + lease
            found = [each for given in taken if (each := await self._received(lane, given, until)) is not None]
            if found or not taken:
                return found
            wait = max(0.0, wait - (time() - began))

    async def _received(self, lane: Lane, given: Given, until: float) -> Received | None:
        """The message; None for what others wrote into the stream, which goes among the dead letters."""
        try:
            return looking.received(lane, given)._replace(receipt=_Receipt(lane, given, until))
        except values.Damaged as error:
            strange = given._replace(about={}, stored=values.sealed(given.stored, lane.queue, given.name))
            await self._bury(lane, strange, {"reason": f"{error}"[:200]})
            return None

    # --- settling ------------------------------------------------------------------------------------------------

    async def extend(self, received: Received, lease: float) -> None:
        limits.seconds(lease, "lease")
        receipt, time = _receipt(received), asyncio.get_running_loop().time
        began = time()
        if began < receipt.until:
            await receipt.lane.hold(receipt.given, bounded(lease))
        if time() >= receipt.until:  # it may have been taken back before the server knew
            raise received.lost()
        receipt.until = began + lease

    async def ack(self, received: Received, reply: object = None) -> None:
        limits.size(reply)
        lane, given = _held(received)
        if received.wants_reply:
            await self._tell(given, {}, values.sealed(reply, received.id))
        if "id" in given.about:
            await self._remember(lane, given)
        if not await lane.remove(given):
            raise received.lost()
        await self._settled(lane, given)

    async def _settled(self, lane: Lane, given: Given) -> None:
        """The next of its ordering key may go."""
        if "from" in given.about:
            await self._turns_of(lane.queue).settled(given.about["from"], given.order)

    async def _tell(self, given: Given, about: Mapping[str, Any], stored: bytes) -> None:
        """Reply to who waits."""
        until = self._store.now() + given.about["wait"]
        await self._store.write(given.about["reply"], payload.written(about, stored), until=until)

    async def _remember(self, lane: Lane, given: Given) -> None:
        """Keep the place of the key for some time after the message has left it."""
        subject = self._store.subject("sent", names.token(lane.queue), given.name, FREE)
        data = payload.written({"id": given.about["id"]}, b"")
        await self._store.write(subject, data, until=self._store.now() + REMEMBERED)

    async def nack(self, received: Received, *, delay: float = 0.0) -> None:
        limits.delay(delay, "delay")
        lane, given = _held(received)
        if delay:
            await lane.hold(given, bounded(delay))
        else:
            await lane.again(given, next_attempt(given))

    async def reject(self, received: Received, reason: str) -> None:
        lane, given = _held(received)
        kept = {name: each for name, each in given.about.items() if name in {"id", "order"}}
        if not await self._bury(lane, given, {**kept, "reason": reason}):
            raise received.lost()

    async def _bury(self, lane: Lane, given: Given, about: dict[str, Any]) -> bool:
        """Put it among the dead letters; returns whether it was still there. Crashed between, it is at both places."""
        if lane.dead:
            return await lane.again(given, about)
        dead = self._lane(lane.queue, dead=True)
        data = payload.written(about, given.stored)
        try:
            place = lane.subject(given.name, given.order)
            await self._store.write(dead.subject(given.name, given.order), data, last=given.seq, where=place)
        except Changed:
            return False
        if "reply" in given.about:
            await self._tell(given, {"reason": about["reason"]}, b"")
        await lane.remove(given)
        await self._settled(lane, given)
        return True

    # --- looking -------------------------------------------------------------------------------------------------

    async def browse(self, queue: str, *, dead: bool = False, after: str = "", most: int = 100) -> Seen:
        lane = self._lane(limits.name(queue, "queue name"), dead=dead)
        return await looking.browse(
            self._store, lane, self._places(lane), max(0, limits.cursor(after)), limits.most(most)
        )

    async def count(self, queue: str, *, dead: bool = False) -> int:
        lane = self._lane(limits.name(queue, "queue name"), dead=dead)
        return sum([await looking.count(self._store, place) for place in self._places(lane)])

    def _places(self, lane: Lane) -> Sequence[str]:
        """The subjects of what the queue holds, each message once: those with an ordering key are in their lines."""
        return [lane.subject()] if lane.dead else [lane.subject(order=FREE), self._turns_of(lane.queue).subject()]


def _receipt(received: Received) -> _Receipt:
    return received.receipt  # type: ignore[return-value]


def _held(received: Received) -> tuple[Lane, Given]:
    receipt = _receipt(received)
    return receipt.lane, receipt.given
