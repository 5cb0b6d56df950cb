"""Queues in a stream: a message has a subject of its own, the stream keeps the last on each. See `lane`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from nats.aio.msg import Msg

from octo.core.errors import Timeout
from octo.core.message import new_id
from octo.services import limits, values
from octo.services.bells import Ear
from octo.services.nats import names, payload, streams
from octo.services.nats.connection import header
from octo.services.nats.lane import Given, Lane, next_attempt
from octo.services.nats.payload import Payload
from octo.services.nats.store import Changed, Store, bounded
from octo.services.ports import Lost, Received, Rejected, Seen

REMEMBERED = 120.0
"""Seconds for which the key of a message is remembered after it was acknowledged; until then it is, too."""
UNREAD = 60.0
"""Seconds for which a reply is kept after its caller has given up, or has gone."""
_BYTES = 8 << 20
"""Bytes of messages that are browsed at once, about."""
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

    keeps_order = False

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health
        self._lanes: dict[tuple[str, bool], Lane] = {}
        self._asked = count()

    def _lane(self, queue: str, *, dead: bool) -> Lane:
        lane = self._lanes.get((queue, dead))
        if lane is None:
            if len(self._lanes) >= _LANES:
                self._lanes.clear()
            lane = self._lanes[queue, dead] = Lane(self._store, queue, dead=dead)
        return lane

    # --- sending -------------------------------------------------------------------------------------------------

    async def send(self, queue: str, value: object, *, delay: float = 0.0, key: str = "", order: str = "") -> str:
        limits.unordered(order, "NATS")
        limits.name(queue, "queue name")
        limits.size(value)
        limits.delay(delay, "delay")
        if key:
            limits.name(key, "key")
        message = new_id()
        about: dict[str, Any] = {"due": self._store.now() + bounded(delay)} if delay else {}
        if key:
            return await self._send_once(queue, message, about, value, key)
        await self._send(queue, message, about, value)
        return message

    async def _send(self, queue: str, message: str, about: Mapping[str, Any], value: object) -> None:
        data = payload.written(about, values.sealed(value, queue, message))
        await self._store.write(self._lane(queue, dead=False).subject(message), data)

    async def _send_once(self, queue: str, message: str, about: dict[str, Any], value: object, key: str) -> str:
        """Its place is that of the key, in the queue, among the dead letters, and among those that were sent."""
        name = names.token(queue, key)
        data = payload.written({**about, "id": message}, values.sealed(value, queue, message))
        anywhere = self._store.subject("*", names.token(queue), name)
        while True:
            try:
                await self._store.write(self._lane(queue, dead=False).subject(name), data, last=0, where=anywhere)
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
            return _received(lane, given)._replace(receipt=_Receipt(lane, given, until))
        except values.Damaged as error:
            strange = Given(
                given.name, given.seq, given.settle, {}, values.sealed(given.stored, lane.queue, given.name)
            )
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
            raise _lost(received)
        receipt.until = began + lease

    async def ack(self, received: Received, reply: object = None) -> None:
        limits.size(reply)
        lane, given = _held(received)
        if received.wants_reply:
            await self._tell(given, {}, values.sealed(reply, received.id))
        if "id" in given.about:
            await self._remember(lane, given)
        if not await lane.remove(given):
            raise _lost(received)

    async def _tell(self, given: Given, about: Mapping[str, Any], stored: bytes) -> None:
        """Reply to who waits."""
        until = self._store.now() + given.about["wait"]
        await self._store.write(given.about["reply"], payload.written(about, stored), until=until)

    async def _remember(self, lane: Lane, given: Given) -> None:
        """Keep the place of the key for some time after the message has left it."""
        subject = self._store.subject("sent", names.token(lane.queue), given.name)
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
        kept = {name: each for name, each in given.about.items() if name == "id"}
        if not await self._bury(lane, given, {**kept, "reason": reason}):
            raise _lost(received)

    async def _bury(self, lane: Lane, given: Given, about: dict[str, Any]) -> bool:
        """Put it among the dead letters; returns whether it was still there. Crashed between, it is at both places."""
        if lane.dead:
            return await lane.again(given, about)
        dead = self._lane(lane.queue, dead=True)
        data = payload.written(about, given.stored)
        try:
            await self._store.write(dead.subject(given.name), data, last=given.seq, where=lane.subject(given.name))
        except Changed:
            return False
        if "reply" in given.about:
            await self._tell(given, {"reason": about["reason"]}, b"")
        await lane.remove(given)
        return True

    # --- looking -------------------------------------------------------------------------------------------------

    async def browse(self, queue: str, *, dead: bool = False, after: str = "", most: int = 100) -> Seen:
        lane = self._lane(limits.name(queue, "queue name"), dead=dead)
        seq, most = max(0, limits.cursor(after)), limits.most(most)
        given_out, seen = await lane.given_out(), list[Received]()
        while len(seen) < most:
            answer = await self._store.after(streams.QUEUES, lane.subject(), seq, most - len(seen), _BYTES)
            for message in answer.messages:
                seq = int(header(message, "Nats-Sequence"))
                seen.append(_seen(lane, message, was_given_out=seq <= given_out))
            if not answer.messages:
                return Seen(seen)
        return Seen(seen, str(seq))

    async def count(self, queue: str, *, dead: bool = False) -> int:
        lane = self._lane(limits.name(queue, "queue name"), dead=dead)
        answer = await self._store.after(streams.QUEUES, lane.subject(), 0, 1)
        return 1 + int(header(answer.messages[0], "Nats-Num-Pending")) if answer.messages else 0


def _received(lane: Lane, given: Given) -> Received:
    message, about = given.about.get("id", given.name), given.about
    value = values.opened(given.stored, lane.queue, message)
    return Received(
        lane.queue, message, value, about.get("attempt", 0) + 1, None, about.get("reason", ""), "reply" in about
    )


def _seen(lane: Lane, message: Msg, *, was_given_out: bool) -> Received:
    """A message that is only looked at. What others wrote is as it is."""
    name = header(message, "Nats-Subject").rpartition(".")[2]
    given = Given.of(name, 0, "", message.data)
    try:
        found = _received(lane, given)
    except values.Damaged as error:
        return Received(lane.queue, name, message.data, 0, None, str(error))
    is_counted = was_given_out and "due" not in given.about
    return found._replace(attempt=found.attempt - (0 if is_counted else 1), wants_reply=False)


def _receipt(received: Received) -> _Receipt:
    return received.receipt  # type: ignore[return-value]


def _held(received: Received) -> tuple[Lane, Given]:
    receipt = _receipt(received)
    return receipt.lane, receipt.given


def _lost(received: Received) -> Lost:
    return Lost(f"the message {received.id} of the queue {received.queue[:80]!r} was held too long")
