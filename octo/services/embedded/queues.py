"""Queues in the store: among the processes of one machine, and after a crash."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import NamedTuple

from octo.core.errors import Timeout
from octo.core.message import new_id
from octo.services import limits, values
from octo.services.embedded import schema
from octo.services.embedded.store import Store, Work
from octo.services.ports import Received, Rejected, Seen

REMEMBERED = 120.0
"""Seconds for which the key of a message is remembered."""
UNREAD = 60.0
"""Seconds for which a reply is kept after its caller has given up, or has gone."""
_BROWSE = """
SELECT * FROM (
    SELECT number, attempt, id, value, reason, ordering FROM messages
    WHERE queue = :queue AND dead = :dead AND due IS NULL AND number > :after ORDER BY number LIMIT :most
) UNION ALL SELECT * FROM (
    SELECT number, attempt, id, value, reason, ordering FROM messages
    WHERE queue = :queue AND dead = :dead AND due IS NOT NULL AND number > :after ORDER BY number LIMIT :most
) ORDER BY number LIMIT :most
"""
"""Two queries, because each has an index."""
_AT_ONCE = 100
"""Rows of the past that a write removes, at most."""


class _Receipt(NamedTuple):
    """number: of the message. lent: of this lending; no other has it."""

    number: int
    lent: int


class _Taken(NamedTuple):
    found: list[Received]
    next: float | None
    """Seconds until there will be something to give out, as far as is known."""


class Lines:
    """See `octo.services.ports.Queues`."""

    keeps_order = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health

    # --- sending -------------------------------------------------------------------------------------------------

    async def send(self, queue: str, value: object, *, delay: float = 0.0, key: str = "", order: str = "") -> str:
        limits.sending(queue, value, delay, key, order)
        message = new_id()

        def work(connection: sqlite3.Connection, now: float) -> str:
            first = _first(connection, queue, key, message, now) if key else message
            if first == message:
                due = _place(connection, queue, order) if order else now + delay if delay else None
                _add(connection, queue, message, value, due, order=order)
            return first

        sent = await self._store.do(work)
        self._store.ring(_bell(queue))
        return sent

    async def request(self, queue: str, value: object, *, timeout: float) -> object:
        limits.name(queue, "queue name")
        limits.size(value)
        limits.seconds(timeout, "timeout")
        message = asker = new_id()

        def work(connection: sqlite3.Connection, now: float) -> None:
            _add(connection, queue, message, value, None, asker)
            connection.execute("INSERT INTO replies VALUES (?, NULL, NULL, ?)", [asker, now + timeout + UNREAD])

        try:
            async with asyncio.timeout(timeout):
                await self._store.do(work)
                self._store.ring(_bell(queue))
                with self._store.listening(_bell(queue, asker)) as bell:
                    while (reply := await self._store.do(_reply(asker))) is None:
                        await bell.heard()
        except TimeoutError:
            raise Timeout(f"nobody on the queue {queue[:80]!r} replied within {timeout:g}s") from None
        stored, reason = reply
        if reason is not None:
            raise Rejected(reason)
        return values.opened(stored, asker)

    # --- receiving -----------------------------------------------------------------------------------------------

    async def receive(
        self, queue: str, *, most: int = 1, lease: float = 30.0, wait: float = 0.0, dead: bool = False
    ) -> list[Received]:
        limits.name(queue, "queue name")
        limits.most(most)
        limits.seconds(lease, "lease")
        time = asyncio.get_running_loop().time
        patience = time() + limits.delay(wait, "wait")
        with self._store.listening(_bell(queue)) as bell:
            while True:
                taken = await self._take(queue, most, lease, dead=dead)
                if taken.found or time() >= patience:
                    return taken.found
                await bell.heard(patience if taken.next is None else min(patience, time() + taken.next))

    async def _take(self, queue: str, most: int, lease: float, *, dead: bool) -> _Taken:
        """What `_taking` gives; a caller that is cancelled meanwhile has taken nothing."""
        answer = self._store.ask(_taking(queue, most, lease, dead=dead))
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            answer.add_done_callback(self._untake)
            raise

    def _untake(self, answer: asyncio.Future[_Taken]) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return
        for received in answer.result().found:
            self._store.ask(_given_back(received, None, attempt=-1)).add_done_callback(_noticed)
            self._store.ring(_bell(received.queue))

    # --- settling ------------------------------------------------------------------------------------------------

    async def extend(self, received: Received, lease: float) -> None:
        limits.seconds(lease, "lease")

        def work(connection: sqlite3.Connection, now: float) -> None:
            _held(connection, received)
            connection.execute("UPDATE messages SET due = ? WHERE number = ?", [now + lease, _receipt(received).number])

        await self._store.do(work)

    async def ack(self, received: Received, reply: object = None) -> None:
        limits.size(reply)

        def work(connection: sqlite3.Connection, _: float) -> str | None:
            asker = _held(connection, received)
            connection.execute("DELETE FROM messages WHERE number = ?", [_receipt(received).number])
            if asker is not None:
                connection.execute("UPDATE replies SET value = ? WHERE asker = ?", [values.sealed(reply, asker), asker])
            return asker

        await self._settle(received, work)
        if received.order:
            self._store.ring(_bell(received.queue))

    async def nack(self, received: Received, *, delay: float = 0.0) -> None:
        limits.delay(delay, "delay")
        await self._store.do(_given_back(received, delay))
        self._store.ring(_bell(received.queue))

    async def reject(self, received: Received, reason: str) -> None:
        reason = reason.encode(errors="replace").decode()  # a text of SQLite has no half surrogate pair

        def work(connection: sqlite3.Connection, _: float) -> str | None:
            asker = _held(connection, received)
            connection.execute(
                "UPDATE messages SET dead = 1, due = NULL, lent = NULL, attempt = 0, asker = NULL, reason = ? "
                "WHERE number = ?",
                [reason, _receipt(received).number],
            )
            if asker is not None:
                connection.execute("UPDATE replies SET reason = ? WHERE asker = ?", [reason, asker])
            return asker

        await self._settle(received, work)
        self._store.ring(_bell(received.queue))

    async def _settle(self, received: Received, work: Work[str | None]) -> None:
        asker = await self._store.do(work)
        if asker is not None:
            self._store.ring(_bell(received.queue, asker))

    async def browse(self, queue: str, *, dead: bool = False, after: str = "", most: int = 100) -> Seen:
        limits.name(queue, "queue name")
        asked = {"queue": queue, "dead": dead, "after": limits.cursor(after), "most": limits.most(most)}

        def work(connection: sqlite3.Connection, _: float) -> Seen:
            rows = connection.execute(_BROWSE, asked).fetchall()
            seen = [
                Received(queue, id_, values.opened(stored, queue, id_), attempt, None, reason or "", order=order or "")
                for _, attempt, id_, stored, reason, order in rows
            ]
            return Seen(seen, str(rows[-1][0]) if len(rows) == most else "")

        return await self._store.do(work)

    async def count(self, queue: str, *, dead: bool = False) -> int:
        limits.name(queue, "queue name")

        def work(connection: sqlite3.Connection, _: float) -> int:
            # Two counts, because each has an index.
            return sum(
                connection.execute(
                    f"SELECT count(*) FROM messages WHERE queue = ? AND dead = ? AND {state}",  # noqa: S608  ours
                    [queue, dead],
                ).fetchone()[0]
                for state in ("due IS NULL", "due IS NOT NULL")
            )

        return await self._store.do(work)


def _first(connection: sqlite3.Connection, queue: str, key: str, message: str, now: float) -> str:
    """The id of the message that was sent with this key: this one, or an earlier one."""
    connection.execute(
        "DELETE FROM sent WHERE (queue, key) IN (SELECT queue, key FROM sent WHERE until <= ? ORDER BY until LIMIT ?)",
        [now, _AT_ONCE],
    )
    connection.execute(
        "INSERT INTO sent VALUES (?, ?, ?, ?) ON CONFLICT (queue, key) DO UPDATE SET id = excluded.id, "
        "until = excluded.until WHERE until <= ?",
        [queue, key, message, now + REMEMBERED, now],
    )
    found = connection.execute("SELECT id FROM sent WHERE queue = ? AND key = ?", [queue, key]).fetchone()
    return found[0]  # type: ignore[no-any-return]


def _place(connection: sqlite3.Connection, queue: str, order: str) -> float | None:
    """When a new message of this ordering key is due."""
    before = connection.execute(
        "SELECT 1 FROM messages WHERE queue = ? AND ordering = ? AND dead = 0 LIMIT 1", [queue, order]
    ).fetchone()
    return None if before is None else schema.HELD


def _add(
    connection: sqlite3.Connection,
    queue: str,
    message: str,
    value: object,
    due: float | None,
    asker: str | None = None,
    order: str = "",
) -> None:
    connection.execute(
        "INSERT INTO messages (queue, due, id, value, asker, ordering) VALUES (?, ?, ?, ?, ?, ?)",
        [queue, due, message, values.sealed(value, queue, message), asker, order or None],
    )


def _taking(queue: str, most: int, lease: float, *, dead: bool) -> Work[_Taken]:
    def work(connection: sqlite3.Connection, now: float) -> _Taken:
        connection.execute(
            "UPDATE messages SET due = NULL, lent = NULL WHERE queue = ? AND dead = ? AND due <= ?", [queue, dead, now]
        )
        rows = connection.execute(
            "SELECT number, attempt, id, value, asker, reason, ordering FROM messages WHERE queue = ? AND dead = ? "
            "AND due IS NULL ORDER BY number LIMIT ?",
            [queue, dead, most],
        ).fetchall()
        found = [_lent(connection, queue, row, now + lease) for row in rows]
        return _Taken(found, None if found else _next(connection, queue, now, dead=dead))

    return work


def _lent(
    connection: sqlite3.Connection,
    queue: str,
    row: tuple[int, int, str, bytes, str | None, str | None, str | None],
    until: float,
) -> Received:
    number, attempt, message, stored, asker, reason, order = row
    value = values.opened(stored, queue, message)
    receipt = _Receipt(number, schema.number(connection))
    connection.execute(
        "UPDATE messages SET due = ?, lent = ?, attempt = attempt + 1 WHERE number = ?", [until, receipt.lent, number]
    )
    return Received(queue, message, value, attempt + 1, receipt, reason or "", asker is not None, order or "")


def _next(connection: sqlite3.Connection, queue: str, now: float, *, dead: bool) -> float | None:
    due = connection.execute(
        "SELECT min(due) FROM messages WHERE queue = ? AND dead = ? AND due IS NOT NULL", [queue, dead]
    ).fetchone()[0]
    return None if due is None else due - now


def _given_back(received: Received, delay: float | None, attempt: int = 0) -> Work[None]:
    def work(connection: sqlite3.Connection, now: float) -> None:
        receipt = _receipt(received)
        connection.execute(
            "UPDATE messages SET due = ?, lent = NULL, attempt = attempt + ? WHERE number = ? AND lent = ?",
            [now + delay if delay else None, attempt, *receipt],
        )

    return work


def _held(connection: sqlite3.Connection, received: Received) -> str | None:
    """Who waits for the reply. Raises `Lost` if the message is not lent to this receiver any more."""
    row = connection.execute("SELECT asker FROM messages WHERE number = ? AND lent = ?", _receipt(received)).fetchone()
    if row is None:
        raise received.lost()
    return row[0]  # type: ignore[no-any-return]


def _receipt(received: Received) -> _Receipt:
    return received.receipt  # type: ignore[return-value]


def _reply(asker: str) -> Work[tuple[object, str | None] | None]:
    """Take the reply, if it is there."""

    def work(connection: sqlite3.Connection, now: float) -> tuple[object, str | None] | None:
        row = connection.execute(
            "DELETE FROM replies WHERE asker = ? AND (value IS NOT NULL OR reason IS NOT NULL) RETURNING value, reason",
            [asker],
        ).fetchone()
        connection.execute(
            "DELETE FROM replies WHERE asker IN (SELECT asker FROM replies WHERE until <= ? ORDER BY until LIMIT ?)",
            [now, _AT_ONCE],
        )
        return row  # type: ignore[no-any-return]

    return work


def _noticed(answer: asyncio.Future[None]) -> None:
    """Look at the error, which asyncio would print: the lease ends by itself."""
    if not answer.cancelled():
        answer.exception()


def _bell(queue: str, asker: str = "") -> str:
    return f"reply {asker}" if asker else f"queue {queue}"
