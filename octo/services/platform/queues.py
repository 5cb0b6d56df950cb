"""Queues in the data plane: among all instances of the deployment, and after a crash of any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from octo.core.errors import Timeout
from octo.core.message import new_id
from octo.services import limits, values
from octo.services.grouping import Grouped
from octo.services.platform import parts
from octo.services.platform.store import LOOK, Store, bounded
from octo.services.ports import Received, Rejected, Seen
from octo.services.squeezed import squeezed

LONGEST_REASON = 64 << 10
"""Bytes of a reason; the rest is cut off."""


class _Receipt(NamedTuple):
    """number: of the message. lent: of this lending; no other has it."""

    number: int
    lent: int


class _Sent(NamedTuple):
    about: dict[str, object]
    stored: bytes


class _Done(NamedTuple):
    receipt: _Receipt
    reply: bytes | None


class Lines:
    """See `octo.services.ports.Queues`."""

    keeps_order = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self._call = store.call
        self.health = store.health
        self._sending: Grouped[_Sent, str] = Grouped(store.tasks, self._send)
        self._acking: Grouped[_Done, bool] = Grouped(store.tasks, self._ack)

    # --- sending -------------------------------------------------------------------------------------------------

    async def send(self, queue: str, value: object, *, delay: float = 0.0, key: str = "", order: str = "") -> str:
        limits.sending(queue, value, delay, key, order)
        id_ = new_id()
        stored = squeezed(values.sealed(value, queue, id_))
        about: dict[str, object] = {"queue": queue, "id": id_, "size": len(stored)}
        given = {"delay": bounded(delay), "key": key, "order": order}
        about |= {name: each for name, each in given.items() if each}
        # In JSON a character of a name takes at most 6 bytes for each that it has in UTF-8.
        size = len(stored) + 200 + 6 * sum(len(each.encode()) for each in (queue, key, order))
        return await self._sending.ask(_Sent(about, stored), size)

    async def _send(self, sent: Sequence[_Sent]) -> Sequence[str]:
        body = parts.written([each.about for each in sent], [each.stored for each in sent])
        answer = await self._call("POST", "/queues/send", {}, body)
        found: Sequence[str] = parts.told(answer.body)["ids"]
        return found

    async def request(self, queue: str, value: object, *, timeout: float) -> object:
        limits.name(queue, "queue name")
        limits.size(value)
        limits.seconds(timeout, "timeout")
        asked = new_id()
        query = {"queue": queue, "id": asked, "timeout": bounded(timeout)}
        try:
            async with asyncio.timeout(timeout):
                await self._call("POST", "/queues/ask", query, squeezed(values.sealed(value, queue, asked)))
                while True:
                    wait = {"id": asked, "wait": LOOK}
                    answer = await self._call("POST", "/queues/reply", wait, wait=LOOK)
                    if answer.status != 204:
                        break
        except TimeoutError:
            raise Timeout(f"nobody on the queue {queue[:80]!r} replied within {timeout:g}s") from None
        if answer.headers.get("X-Octo-Kind") == "rejected":
            raise Rejected(answer.body.decode(errors="replace"))
        return parts.opened(answer.body, asked)

    # --- receiving -----------------------------------------------------------------------------------------------

    async def receive(
        self, queue: str, *, most: int = 1, lease: float = 30.0, wait: float = 0.0, dead: bool = False
    ) -> list[Received]:
        limits.name(queue, "queue name")
        query = {"queue": queue, "most": limits.most(most), "dead": dead}
        query |= {"lease": bounded(limits.seconds(lease, "lease"))}
        time = asyncio.get_running_loop().time
        patience = time() + limits.delay(wait, "wait")
        while True:
            found = await self._take(queue, query, again=bool(wait))
            if found or (left := patience - time()) <= 0:
                return found
            # Waiting takes nothing, so it may be broken off at any moment.
            waiting = {"queue": queue, "dead": dead, "wait": min(left, LOOK)}
            await self._call("GET", "/queues/wait", waiting, wait=LOOK, again=True)

    async def _take(self, queue: str, query: dict[str, Any], *, again: bool) -> list[Received]:
        """What the server lends; a caller that is cancelled meanwhile has taken nothing."""
        taking = self._store.tasks.create_task(self._tried(queue, query, again=again))
        try:
            found = await asyncio.shield(taking)
        except asyncio.CancelledError:
            self._store.spawn(self._untake(taking))
            raise
        if isinstance(found, Exception):
            raise found
        return found

    async def _tried(self, queue: str, query: dict[str, Any], *, again: bool) -> list[Received] | Exception:
        try:
            answer = await self._call("POST", "/queues/receive", query, again=again)
            return [_received(queue, *each) for each in parts.read(answer.body, "messages")[1]]
        except Exception as error:  # noqa: BLE001  the caller gets it
            return error

    async def _untake(self, taking: asyncio.Task[list[Received] | Exception]) -> None:
        """Give back what comes yet."""
        found = await taking
        for each in found if isinstance(found, list) else ():
            await self._call("POST", "/queues/nack", _query(each) | {"unseen": True}, again=True)

    # --- settling ------------------------------------------------------------------------------------------------

    async def extend(self, received: Received, lease: float) -> None:
        query = _query(received) | {"lease": bounded(limits.seconds(lease, "lease"))}
        answer = await self._call("POST", "/queues/extend", query, known=("lost",), again=True)
        if answer.problem is not None:
            raise received.lost()

    async def ack(self, received: Received, reply: object = None) -> None:
        limits.size(reply)
        stored = squeezed(values.sealed(reply, received.id)) if received.wants_reply else None
        if not await self._acking.ask(_Done(_receipt(received), stored), len(stored or b"") + 100):
            raise received.lost()

    async def _ack(self, done: Sequence[_Done]) -> Sequence[bool]:
        about = [
            {"number": number, "lent": lent} | ({} if reply is None else {"size": len(reply)})
            for (number, lent), reply in done
        ]
        body = parts.written(about, [each.reply or b"" for each in done])
        answer = await self._call("POST", "/queues/ack", {}, body)
        found: Sequence[bool] = parts.told(answer.body)["done"]
        return found

    async def nack(self, received: Received, *, delay: float = 0.0) -> None:
        query = _query(received) | {"delay": bounded(limits.delay(delay, "delay"))}
        await self._call("POST", "/queues/nack", query, again=True)

    async def reject(self, received: Received, reason: str) -> None:
        stored = reason.encode(errors="replace")[:LONGEST_REASON]
        answer = await self._call("POST", "/queues/reject", _query(received), stored, known=("lost",))
        if answer.problem is not None:
            raise received.lost()

    async def browse(self, queue: str, *, dead: bool = False, after: str = "", most: int = 100) -> Seen:
        limits.name(queue, "queue name")
        query = {"queue": queue, "dead": dead, "after": limits.cursor(after), "most": limits.most(most)}
        answer = await self._call("GET", "/queues/browse", query, again=True)
        about, found = parts.read(answer.body, "messages")
        seen = [_received(queue, *each)._replace(receipt=None, wants_reply=False) for each in found]
        return Seen(seen, about["after"])

    async def count(self, queue: str, *, dead: bool = False) -> int:
        limits.name(queue, "queue name")
        answer = await self._call("GET", "/queues/count", {"queue": queue, "dead": dead}, again=True)
        return int(parts.told(answer.body)["count"])


def _received(queue: str, about: dict[str, Any], stored: bytes) -> Received:
    value = parts.opened(stored, queue, about["id"])
    receipt = _Receipt(about["number"], about["lent"])
    reason, asked, order = about["reason"], about["asked"], about["order"]
    return Received(queue, about["id"], value, about["attempt"], receipt, reason, asked, order)


def _receipt(received: Received) -> _Receipt:
    return received.receipt  # type: ignore[return-value]


def _query(received: Received) -> dict[str, Any]:
    return _receipt(received)._asdict()
