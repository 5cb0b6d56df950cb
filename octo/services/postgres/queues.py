"""Queues in the database: among all processes that use it, and after a crash of any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from octo.core.errors import Timeout
from octo.core.message import new_id
from octo.services import limits, values
from octo.services.grouping import Grouped
from octo.services.ports import Received, Rejected, Seen
from octo.services.postgres.store import Store, bounded

REMEMBERED = 120.0
"""Seconds for which the key of a message is remembered."""
UNREAD = 60.0
"""Seconds for which a reply is kept after its caller has given up, or has gone."""
_NOT_BEFORE = 0.01
"""Seconds between two tries of one receiver, at least."""

_TURNS = """
SELECT pg_advisory_xact_lock(1868788847, number) FROM (
    SELECT DISTINCT turn(queue, ordering) AS number FROM given WHERE ordering IS NOT NULL ORDER BY number
) AS numbers
"""
"""Take the turns of all ordering keys that are given: see `schema`."""
_SEND = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::float8[], $3::text[], $4::bytea[], $5::text[])
    WITH ORDINALITY AS given (queue, delay, id, value, ordering, place)
), turns AS MATERIALIZED ({_TURNS})
INSERT INTO messages (queue, due, id, value, ordering)
SELECT queue, clock_timestamp() + delay * interval '1s', id, value, ordering
FROM given WHERE (SELECT count(*) FROM turns) >= 0 ORDER BY place
"""  # noqa: S608  names of ours
_SEND_ONCE = """
WITH first AS (
    INSERT INTO sent AS old VALUES ($1, $6, $3, clock_timestamp() + $7::float8 * interval '1s')
    ON CONFLICT (queue, key) DO UPDATE SET id = excluded.id, until = excluded.until
    WHERE old.until <= clock_timestamp() RETURNING id
), added AS (
    INSERT INTO messages (queue, due, id, value, ordering)
    SELECT $1, clock_timestamp() + $2::float8 * interval '1s', id, $4, $5 FROM first
)
SELECT id FROM first
"""
_SENT = "SELECT id FROM sent WHERE queue = $1 AND key = $2"
_ASK = """
WITH asked AS (INSERT INTO messages (queue, id, value, asked) VALUES ($1, $2, $3, true))
INSERT INTO replies (id, until) VALUES ($2, clock_timestamp() + $4::float8 * interval '1s')
"""
_REPLY = "DELETE FROM replies WHERE id = $1 AND (value IS NOT NULL OR reason IS NOT NULL) RETURNING value, reason"

_TAKE = """
WITH timed AS MATERIALIZED (
    SELECT number FROM messages WHERE queue = $1 AND dead = $2 AND due IS NOT NULL AND due <= now()
    ORDER BY due LIMIT $4 FOR UPDATE SKIP LOCKED
), ready AS MATERIALIZED (
    SELECT number FROM messages WHERE queue BETWEEN $1 AND $1 AND dead = $2 AND due IS NULL
    ORDER BY queue, number LIMIT $4 - (SELECT count(*) FROM timed) FOR UPDATE SKIP LOCKED
)
UPDATE messages SET
    due = clock_timestamp() + $3::float8 * interval '1s', lent = nextval('numbers'), attempt = attempt + 1
WHERE number = ANY (ARRAY(SELECT number FROM timed UNION ALL SELECT number FROM ready))
RETURNING number, lent, attempt, id, value, asked, reason, ordering
"""
"""Written so that every plan of it goes by indexes. PostgreSQL expects a LIMIT that it cannot compute to let a tenth of
the table pass: it would join by reading all of it, and walk along the primary key past everything that is lent or held.
"""
_NEXT = """
SELECT extract(epoch FROM min(due) - clock_timestamp())::float8 AS left FROM messages
WHERE queue = $1 AND dead = $2 AND due IS NOT NULL
"""
_EXTEND = """
UPDATE messages SET due = clock_timestamp() + $3::float8 * interval '1s' WHERE number = $1 AND lent = $2 RETURNING 1
"""
_ACK = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::text[], $5::text[])
    AS given (number, lent, reply, queue, ordering)
), turns AS MATERIALIZED ({_TURNS}), gone AS (
    DELETE FROM messages USING given WHERE (SELECT count(*) FROM turns) >= 0
    AND messages.number = given.number AND messages.lent = given.lent
    RETURNING messages.number, id, asked, reply
), replied AS (UPDATE replies SET value = reply FROM gone WHERE asked AND replies.id = gone.id)
SELECT number FROM gone
"""  # noqa: S608  names of ours
_GIVE_BACK = """
UPDATE messages SET due = clock_timestamp() + $3::float8 * interval '1s', lent = NULL, attempt = attempt + $4
WHERE number = $1 AND lent = $2
"""
_REJECT = """
WITH dead AS (
    UPDATE messages SET dead = true, due = NULL, lent = NULL, attempt = 0, asked = false, reason = $3
    WHERE number = $1 AND lent = $2 RETURNING id
), told AS (UPDATE replies SET reason = $3 FROM dead WHERE replies.id = dead.id)
SELECT id FROM dead
"""
_BROWSE = """
(
    SELECT number, 0::bigint AS lent, attempt, id, value, false AS asked, reason, ordering FROM messages
    WHERE queue = $1 AND dead = $2 AND due IS NULL AND number > $3 ORDER BY number LIMIT $4
) UNION ALL (
    SELECT number, 0::bigint AS lent, attempt, id, value, false AS asked, reason, ordering FROM messages
    WHERE queue = $1 AND dead = $2 AND due IS NOT NULL AND number > $3 ORDER BY number LIMIT $4
) ORDER BY number LIMIT $4
"""
_COUNT = """
SELECT (SELECT count(*) FROM messages WHERE queue = $1 AND dead = $2 AND due IS NULL)
    + (SELECT count(*) FROM messages WHERE queue = $1 AND dead = $2 AND due IS NOT NULL) AS count
"""
"""Two counts, and two queries to browse, because each has an index."""


class _Receipt(NamedTuple):
    """number: of the message. lent: of this lending; no other has it."""

    number: int
    lent: int


class _Sent(NamedTuple):
    queue: str
    delay: float | None
    id: str
    stored: bytes
    order: str | None


class _Line(NamedTuple):
    """What receivers must have in common to be served together."""

    queue: str
    dead: bool
    lease: float


class _Taken(NamedTuple):
    """left: seconds until there will be something to give out, as far as is known."""

    found: list[Received]
    left: float | None


class _Done(NamedTuple):
    receipt: _Receipt
    reply: bytes | None
    queue: str
    order: str | None


class Lines:
    """See `octo.services.ports.Queues`."""

    keeps_order = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health
        self._sending: Grouped[_Sent, None] = Grouped(store.tasks, self._send)
        self._acking: Grouped[_Done, bool] = Grouped(store.tasks, self._ack)
        self._taking: dict[_Line, Grouped[int, _Taken]] = {}

    # --- sending -------------------------------------------------------------------------------------------------

    async def send(self, queue: str, value: object, *, delay: float = 0.0, key: str = "", order: str = "") -> str:
        limits.sending(queue, value, delay, key, order)
        sent = new_id()
        stored = values.sealed(value, queue, sent)
        message = _Sent(queue, bounded(delay) if delay else None, sent, stored, order or None)
        if key:
            sent = await self._send_once(message, key)
        else:
            await self._sending.ask(message, len(stored))
        self._store.ring(_bell(queue))
        return sent

    async def _send(self, messages: Sequence[_Sent]) -> list[Exception | None]:
        await self._store.rows(_SEND, *map(list, zip(*messages, strict=True)))
        return [None] * len(messages)

    async def _send_once(self, message: _Sent, key: str) -> str:
        while True:
            for (first,) in await self._store.rows(_SEND_ONCE, *message, key, REMEMBERED):
                return first  # type: ignore[no-any-return]
            for (first,) in await self._store.rows(_SENT, message.queue, key):
                return first  # type: ignore[no-any-return]
            # The key was forgotten between the two.

    async def request(self, queue: str, value: object, *, timeout: float) -> object:
        limits.name(queue, "queue name")
        limits.size(value)
        limits.seconds(timeout, "timeout")
        asked = new_id()
        stored = values.sealed(value, queue, asked)
        try:
            with self._store.listening(_bell(queue, asked)) as bell:
                async with asyncio.timeout(timeout):
                    await self._store.rows(_ASK, queue, asked, stored, bounded(timeout + UNREAD))
                    self._store.ring(_bell(queue))
                    reply, reason = await self._reply(asked, bell)
        except TimeoutError:
            raise Timeout(f"nobody on the queue {queue[:80]!r} replied within {timeout:g}s") from None
        if reason is not None:
            raise Rejected(_text(reason))
        return values.opened(reply, asked)

    async def _reply(self, asked: str, bell: Any) -> tuple[object, bytes | None]:
        """Take the reply once it is there."""
        while True:
            await bell.heard()
            for reply, reason in await self._store.rows(_REPLY, asked):
                return reply, reason

    # --- receiving -----------------------------------------------------------------------------------------------

    async def receive(
        self, queue: str, *, most: int = 1, lease: float = 30.0, wait: float = 0.0, dead: bool = False
    ) -> list[Received]:
        limits.name(queue, "queue name")
        limits.most(most)
        limits.seconds(lease, "lease")
        time = asyncio.get_running_loop().time
        patience = time() + limits.delay(wait, "wait")
        line = _Line(queue, dead, bounded(lease))
        with self._store.listening(_bell(queue)) as bell:
            while True:
                taken = await self._take(line, most)
                if taken.found or time() >= patience:
                    return taken.found
                left = patience if taken.left is None else time() + max(taken.left, _NOT_BEFORE)
                await bell.heard(min(patience, left))

    async def _take(self, line: _Line, most: int) -> _Taken:
        """Take at most as many messages; a caller that is cancelled meanwhile has taken nothing."""
        taking = self._taking.get(line)
        if taking is None:
            self._taking = {line: each for line, each in self._taking.items() if not each.is_idle}
            taking = self._taking[line] = Grouped(self._store.tasks, lambda asked: self._deal(line, asked))
        answer = taking.ask(most)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            answer.add_done_callback(self._untake)
            raise

    async def _deal(self, line: _Line, asked: Sequence[int]) -> list[_Taken | Exception]:
        """What each of these receivers gets, the first what it asks for before the next."""
        queue, dead, lease = line
        most = min(sum(asked), limits.LARGEST_PAGE)
        rows = sorted(await self._store.rows(_TAKE, queue, dead, lease, most))  # by number
        left = None
        if not rows:
            left = (await self._store.rows(_NEXT, queue, dead))[0]["left"]
        found, dealt = [_received(queue, row) for row in rows], list[_Taken | Exception]()
        for most in asked:
            dealt.append(_Taken(found[:most], left))
            found = found[most:]
        return dealt

    def _untake(self, answer: asyncio.Future[_Taken]) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return
        for received in answer.result().found:
            self._store.spawn(self._give_back(received, None, attempt=-1))

    # --- settling ------------------------------------------------------------------------------------------------

    async def extend(self, received: Received, lease: float) -> None:
        limits.seconds(lease, "lease")
        if not await self._store.rows(_EXTEND, *_receipt(received), bounded(lease)):
            raise received.lost()

    async def ack(self, received: Received, reply: object = None) -> None:
        limits.size(reply)
        stored = values.sealed(reply, received.id) if received.wants_reply else None
        done = _Done(_receipt(received), stored, received.queue, received.order or None)
        if not await self._acking.ask(done, len(stored or b"")):
            raise received.lost()
        if received.order:
            self._store.ring(_bell(received.queue))
        if received.wants_reply:
            self._store.ring(_bell(received.queue, received.id))

    async def _ack(self, done: Sequence[_Done]) -> list[bool | Exception]:
        numbers, lent = [each.receipt.number for each in done], [each.receipt.lent for each in done]
        given = zip(*((each.reply, each.queue, each.order) for each in done), strict=True)
        rows = await self._store.rows(_ACK, numbers, lent, *map(list, given))
        gone = {number for (number,) in rows}
        results: list[bool | Exception] = []
        for number in numbers:
            results.append(number in gone)
            gone.discard(number)  # who acknowledges twice is told
        return results

    async def nack(self, received: Received, *, delay: float = 0.0) -> None:
        limits.delay(delay, "delay")
        await self._give_back(received, bounded(delay) if delay else None)

    async def _give_back(self, received: Received, delay: float | None, attempt: int = 0) -> None:
        await self._store.rows(_GIVE_BACK, *_receipt(received), delay, attempt)
        self._store.ring(_bell(received.queue))

    async def reject(self, received: Received, reason: str) -> None:
        stored = reason.encode(errors="surrogatepass")  # a text of the server has no NUL
        if not await self._store.rows(_REJECT, *_receipt(received), stored):
            raise received.lost()
        self._store.ring(_bell(received.queue))
        if received.wants_reply:
            self._store.ring(_bell(received.queue, received.id))

    async def browse(self, queue: str, *, dead: bool = False, after: str = "", most: int = 100) -> Seen:
        limits.name(queue, "queue name")
        rows = await self._store.rows(_BROWSE, queue, dead, limits.cursor(after), limits.most(most))
        seen = [_received(queue, row)._replace(receipt=None) for row in rows]
        return Seen(seen, str(rows[-1]["number"]) if len(rows) == most else "")

    async def count(self, queue: str, *, dead: bool = False) -> int:
        limits.name(queue, "queue name")
        return (await self._store.rows(_COUNT, queue, dead))[0]["count"]  # type: ignore[no-any-return]


def _received(queue: str, row: Any) -> Received:
    number, lent, attempt, message, stored, asked, reason, order = row
    value = values.opened(stored, queue, message)
    return Received(queue, message, value, attempt, _Receipt(number, lent), _text(reason or b""), asked, order or "")


def _text(reason: bytes) -> str:
    return reason.decode(errors="surrogatepass")


def _receipt(received: Received) -> _Receipt:
    return received.receipt  # type: ignore[return-value]


def _bell(queue: str, asked: str = "") -> str:
    return f"reply {asked}" if asked else f"queue {queue}"
