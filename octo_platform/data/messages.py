"""Queues: messages that go to one of many receivers each, at least once; and replies to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, insert, literal, select, update

from octo_platform.data import clock
from octo_platform.data.plane import Look
from octo_platform.data.shelf import Shelf
from octo_platform.data.sweeping import OVERHEAD, weight
from octo_platform.problem import Problem
from octo_platform.storage.tables import QueueMessage, Reply, SentKey

HELD = float("inf")
"""When a message is due that waits for another one of its ordering key."""
REMEMBERED = 120.0
"""Seconds for which the key of a message is remembered."""
UNREAD = 60.0
"""Seconds for which a reply is kept after its caller has given up, or has gone."""
MOST_BYTES = 4 << 20
"""Of the messages that are given out together, but for a single one that is larger."""

_COLUMNS = (
    *(QueueMessage.number, QueueMessage.id, QueueMessage.value, QueueMessage.attempt),
    *(QueueMessage.reason, QueueMessage.asked, QueueMessage.ordering),
)


class New(NamedTuple):
    """A message to be sent. key, order: "" for none."""

    queue: str
    id: str
    value: bytes
    delay: float = 0.0
    key: str = ""
    order: str = ""


class Receipt(NamedTuple):
    """number: of the message. lent: of this lending; no other has it."""

    number: int
    lent: int


class Done(NamedTuple):
    """A message whose work is done. reply: for who has asked, None where nobody has."""

    receipt: Receipt
    reply: bytes | None


class Seen(NamedTuple):
    """A message that was given out, or looked at: then it has no receipt."""

    receipt: Receipt
    id: str
    value: bytes
    attempt: int
    reason: bytes
    asked: bool
    order: str


def bell(queue: str) -> str:
    return f"queue {queue}"


def reply_bell(id_: str) -> str:
    return f"reply {id_}"


# --- sending -----------------------------------------------------------------------------------------------------


def send(shelf: Shelf, messages: Sequence[New]) -> list[str]:
    """Add messages; return their ids: of one whose key was sent already, that of the first."""
    shelf.grow(sum(_weight(each) + (weight(each.queue, each.key) if each.key else 0) for each in messages))
    ids, rows = [], list[dict[str, Any]]()
    ahead: set[tuple[str, str]] = set()
    for each in messages:
        first = _first(shelf, each) if each.key else each.id
        ids.append(first)
        if first != each.id:
            shelf.grow(-_weight(each))
            continue
        due = shelf.now + each.delay if each.delay else None
        if each.order and ((each.queue, each.order) in ahead or _is_ahead(shelf, each)):
            due = HELD
        ahead.add((each.queue, each.order))
        rows.append(_row(shelf, each, due))
    if rows:
        shelf.do(insert(QueueMessage), rows)
    return ids


def ask(shelf: Shelf, message: New, timeout: float) -> None:
    """Add a message whose reply somebody waits for. Raises `Problem` if one with this id is waited for already."""
    if shelf.first(select(Reply.id).where(*_reply(shelf, message.id))) is not None:
        raise Problem("exists")
    shelf.grow(_weight(message) + weight())
    shelf.do(insert(QueueMessage), [_row(shelf, message, None) | {"asked": True}])
    shelf.do(insert(Reply).values(store_id=shelf.id, id=message.id, until=shelf.now + timeout + UNREAD))


def reply(shelf: Shelf, id_: str) -> Look[tuple[bytes | None, bytes | None]]:
    """Take the reply, if it is there: a value, or the reason why the message was rejected."""
    here = _reply(shelf, id_)
    row = shelf.first(select(Reply.value, Reply.reason).where(*here))
    if row is None or (row.value is None and row.reason is None):
        return Look(None)
    shelf.grow(-weight(row.value, row.reason))
    shelf.do(delete(Reply).where(*here))
    return Look((row.value, row.reason))


def _row(shelf: Shelf, message: New, due: float | None) -> dict[str, Any]:
    shelf.ring(bell(message.queue))
    names = {"store_id": shelf.id, "queue": message.queue, "id": message.id, "ordering": message.order or None}
    return names | {"number": shelf.next(), "value": message.value, "due": due, "asked": False}


def _first(shelf: Shelf, message: New) -> str:
    """The id of the message that was sent with this key: this one, or an earlier one."""
    here = SentKey.store_id == shelf.id, SentKey.queue == message.queue, SentKey.key == message.key
    row = shelf.first(select(SentKey.id, SentKey.until).where(*here))
    if row is not None:
        shelf.grow(-weight(message.queue, message.key))
        if row.until > shelf.now:
            return str(row.id)
    values = {"id": message.id, "until": shelf.now + REMEMBERED}
    if row is None:
        values |= {"store_id": shelf.id, "queue": message.queue, "key": message.key}
        shelf.do(insert(SentKey).values(values))
    else:
        shelf.do(update(SentKey).where(*here).values(values))
    return message.id


def _is_ahead(shelf: Shelf, message: New) -> bool:
    """Whether there is a message of this ordering key."""
    return shelf.first(select(QueueMessage.number).where(*_of_key(shelf, message.queue, message.order))) is not None


# --- receiving ---------------------------------------------------------------------------------------------------


def take(shelf: Shelf, queue: str, most: int, lease: float, *, dead: bool) -> Look[list[Seen]]:
    """Lend at most as many messages."""
    here = *_in(shelf.id, queue), QueueMessage.dead == dead
    timed, ready = QueueMessage.due.is_not(None), QueueMessage.due.is_(None)
    shelf.do(update(QueueMessage).where(*here, timed, QueueMessage.due <= shelf.now).values(due=None, lent=None))
    rows, _ = _rows(shelf.connection, (*here, ready), most)
    if not rows:
        due = (shelf.all(select(func.min(QueueMessage.due)).where(*here, timed)))[0][0]
        return Look(None, None if due in (None, HELD) else due - shelf.now)
    lent = shelf.next()
    numbers = [each.number for each in rows]
    values = {"due": shelf.now + lease, "lent": lent, "attempt": QueueMessage.attempt + 1}
    shelf.do(
        update(QueueMessage).where(QueueMessage.store_id == shelf.id, QueueMessage.number.in_(numbers)).values(values)
    )
    return Look([_seen(each, lent, each.attempt + 1) for each in rows])


def left(connection: Connection, store: str, queue: str, *, dead: bool) -> Look[bool]:
    """Whether there may be something to give out."""
    here = *_in(store, queue), QueueMessage.dead == dead
    ready = select(QueueMessage.number).where(*here, QueueMessage.due.is_(None)).limit(1)
    if connection.execute(ready).first() is not None:
        return Look(found=True)
    due = func.min(QueueMessage.due) - clock.moment(connection)
    seconds = connection.execute(select(due).where(*here, QueueMessage.due.is_not(None))).scalar()
    if seconds is None or seconds == HELD:
        return Look(None)
    return Look(None, seconds) if seconds > 0 else Look(found=True)


class Browsed(NamedTuple):
    """Messages that were looked at. after: the number of the last, if there may be more."""

    messages: list[Seen]
    after: int | None


def browse(connection: Connection, store: str, queue: str, after: int, most: int, *, dead: bool) -> Browsed:
    """Look at messages in the order in which they were sent, those that are lent included."""
    here = *_in(store, queue), QueueMessage.dead == dead, QueueMessage.number > after
    rows, has_more = _rows(connection, here, most)
    return Browsed([_seen(each, 0, each.attempt) for each in rows], rows[-1].number if has_more else None)


def count(connection: Connection, store: str, queue: str, *, dead: bool) -> int:
    query = select(func.count()).select_from(QueueMessage).where(*_in(store, queue), QueueMessage.dead == dead)
    return int((connection.execute(query)).scalar_one())


def _rows(connection: Connection, here: Sequence[ColumnElement[bool]], most: int) -> tuple[Sequence[Any], bool]:
    """The first of these messages, as many as have room together, and one at least; and whether there may be more."""
    is_cut = False
    if most > 1:
        sizes = select(QueueMessage.number, func.length(QueueMessage.value)).where(*here)
        found = (connection.execute(sizes.order_by(QueueMessage.number).limit(most))).all()
        if not found:
            return [], False
        last = _last(found)
        is_cut = last < found[-1][0]
        here = *here, QueueMessage.number <= last
    query = select(*_COLUMNS).where(*here).order_by(QueueMessage.number).limit(most)
    rows = (connection.execute(query)).all()
    return rows, is_cut or len(rows) == most


def _last(found: Sequence[Any]) -> int:
    """The last that has room."""
    room, last = MOST_BYTES, found[0][0]
    for number, size in found:
        room -= size
        if room < 0 and number != last:
            break
        last = number
    return int(last)


def _seen(row: Any, lent: int, attempt: int) -> Seen:
    order, reason = row.ordering or "", row.reason or b""
    return Seen(Receipt(row.number, lent), row.id, row.value, attempt, reason, row.asked, order)


# --- settling ----------------------------------------------------------------------------------------------------


def extend(shelf: Shelf, receipt: Receipt, lease: float) -> None:
    """Keep the message from now. Raises `Problem` if it was taken back."""
    _held(shelf, receipt)
    shelf.do(update(QueueMessage).where(*_lent(shelf, receipt)).values(due=shelf.now + lease))


def ack(shelf: Shelf, done: Sequence[Done]) -> list[bool]:
    """Remove messages. Return which were there: one that was taken back is not."""
    rows = _sizes(shelf, [each.receipt.number for each in done])
    results, gone = [], list[tuple[Any, bytes]]()
    for receipt, reply_ in done:
        row = rows.get(receipt.number)
        is_held = row is not None and row.lent == receipt.lent
        results.append(is_held)
        if is_held:
            gone.append((rows.pop(receipt.number), reply_ or b""))  # who acknowledges twice is told
    shelf.grow(sum(len(reply_) for row, reply_ in gone if row.asked) - sum(row.size for row, _ in gone))
    numbers = [row.number for row, _ in gone]
    shelf.do(delete(QueueMessage).where(QueueMessage.store_id == shelf.id, QueueMessage.number.in_(numbers)))
    for row, reply_ in gone:
        if row.asked:
            _tell(shelf, row.id, value=reply_)
    _free(shelf, {(row.queue, row.ordering) for row, _ in gone if row.ordering and not row.dead})
    return results


def _sizes(shelf: Shelf, numbers: Collection[int]) -> dict[int, Any]:
    """What is to be known of messages that go, by number. size: what each counts."""
    parts = QueueMessage.queue, QueueMessage.value, QueueMessage.reason, QueueMessage.ordering
    size = sum((func.coalesce(func.length(each), 0) for each in parts), start=literal(OVERHEAD))
    named = QueueMessage.number, QueueMessage.id, QueueMessage.queue, QueueMessage.asked, QueueMessage.ordering
    query = select(*named, QueueMessage.dead, QueueMessage.lent, size.label("size"))
    here = QueueMessage.store_id == shelf.id, QueueMessage.number.in_(numbers)
    return {row.number: row for row in shelf.all(query.where(*here))}


def give_back(shelf: Shelf, receipt: Receipt, delay: float, *, unseen: bool) -> None:
    """Give the message out again after a delay. unseen: nobody got it, so it was no attempt."""
    row = shelf.first(select(QueueMessage.queue).where(*_lent(shelf, receipt)))
    if row is not None:
        values = {"due": shelf.now + delay if delay else None, "lent": None}
        attempt = QueueMessage.attempt - (1 if unseen else 0)
        shelf.do(update(QueueMessage).where(*_lent(shelf, receipt)).values(**values, attempt=attempt))
        shelf.ring(bell(row.queue))


def untake(shelf: Shelf, receipts: Sequence[Receipt]) -> None:
    """Give messages out again that nobody got."""
    for each in receipts:
        give_back(shelf, each, 0.0, unseen=True)


def reject(shelf: Shelf, receipt: Receipt, reason: bytes) -> None:
    """Put the message among the dead letters. Raises `Problem` if it was taken back."""
    row = _held(shelf, receipt)
    shelf.grow(len(reason) * (2 if row.asked else 1) - len(row.reason or b""))
    values = {"dead": True, "due": None, "lent": None, "attempt": 0, "asked": False, "reason": reason}
    shelf.do(update(QueueMessage).where(*_lent(shelf, receipt)).values(values))
    if row.asked:
        _tell(shelf, row.id, reason=reason)
    if row.ordering and not row.dead:
        _free(shelf, {(row.queue, row.ordering)})
    shelf.ring(bell(row.queue))


def _held(shelf: Shelf, receipt: Receipt) -> Any:
    columns = QueueMessage.id, QueueMessage.queue, QueueMessage.asked, QueueMessage.ordering
    query = select(*columns, QueueMessage.reason, QueueMessage.dead).where(*_lent(shelf, receipt))
    if (row := shelf.first(query)) is None:
        raise Problem("lost")
    return row


def _tell(shelf: Shelf, id_: str, **what: bytes) -> None:
    """Tell who waits for the reply, unless that was given up long ago."""
    shelf.do(update(Reply).where(*_reply(shelf, id_)).values(what))
    shelf.ring(reply_bell(id_))


def _free(shelf: Shelf, keys: Collection[tuple[str, str]]) -> None:
    """The next message of each ordering key is ready."""
    for queue, order in keys:
        here = _of_key(shelf, queue, order)
        first = select(func.min(QueueMessage.number)).where(*here).scalar_subquery()
        freed = update(QueueMessage).where(*here, QueueMessage.number == first, QueueMessage.due == HELD)
        shelf.do(freed.values(due=None))
        shelf.ring(bell(queue))


def _reply(shelf: Shelf, id_: str) -> tuple[ColumnElement[bool], ...]:
    return Reply.store_id == shelf.id, Reply.id == id_


def _in(store: str, queue: str) -> tuple[ColumnElement[bool], ...]:
    return QueueMessage.store_id == store, QueueMessage.queue == queue


def _of_key(shelf: Shelf, queue: str, order: str) -> tuple[ColumnElement[bool], ...]:
    return *_in(shelf.id, queue), QueueMessage.ordering == order, QueueMessage.dead.is_(False)


def _lent(shelf: Shelf, receipt: Receipt) -> tuple[ColumnElement[bool], ...]:
    number, lent = receipt
    return QueueMessage.store_id == shelf.id, QueueMessage.number == number, QueueMessage.lent == lent


def _weight(message: New) -> int:
    return weight(message.queue, message.value, message.order)
