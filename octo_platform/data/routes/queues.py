"""Queues, and replies."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from octo_platform.data import messages, parts
from octo_platform.data.asked import (
    LARGEST,
    LONGEST_REASON,
    Delay,
    Here,
    Id,
    Most,
    Name,
    Named,
    Number,
    Perhaps,
    Seconds,
    Wait,
)
from octo_platform.data.messages import Done, New, Receipt, Seen
from octo_platform.data.plane import Look
from octo_platform.problem import Problem
from octo_platform.web.shapes import Shape

KIND = "X-Octo-Kind"
"""Header of what a reply is: `value`, or `rejected` with the reason."""

routes = APIRouter()


class NewMessage(Shape):
    """A message to be sent. size: bytes of its value."""

    queue: Named
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    size: parts.Size
    delay: Annotated[float, Field(ge=0, le=3_200_000_000, allow_inf_nan=False)] = 0.0
    key: Perhaps = ""
    order: Perhaps = ""


class NewMessages(Shape):
    messages: Annotated[list[NewMessage], Field(min_length=1, max_length=1000)]


class DoneMessage(Shape):
    """A message whose work is done. size: bytes of the reply; without one there is none."""

    number: Annotated[int, Field(ge=0, le=2**63 - 1)]
    lent: Annotated[int, Field(ge=0, le=2**63 - 1)]
    size: parts.Size | None = None


class DoneMessages(Shape):
    messages: Annotated[list[DoneMessage], Field(min_length=1, max_length=1000)]


@routes.post("/queues/send")
async def send(here: Here) -> dict[str, list[str]]:
    """Add messages. The ids of the answer are those sent, or that of the first message with the same key."""
    asked, rest = parts.read(await here.request.body(), NewMessages)
    values = parts.cut(rest, [each.size for each in asked.messages])
    new = [_new(each, value or b"") for each, value in zip(asked.messages, values, strict=True)]
    return {"ids": await here.do(lambda shelf: messages.send(shelf, new))}


def _new(each: NewMessage, value: bytes) -> New:
    if len(value) > LARGEST:
        raise Problem("too-large", f"a value has at most {LARGEST:,} bytes")
    if each.order and each.delay:
        raise Problem("invalid", "a message with an ordering key has no delay: it would hold up those behind it")
    return New(each.queue, each.id, value, each.delay, each.key, each.order)


@routes.post("/queues/receive")
async def receive(
    here: Here, queue: Name, most: Most = 1, lease: Seconds = 30.0, wait: Wait = 0.0, dead: bool = False
) -> Response:
    """Lend messages, waiting for the first. `dead`: from the dead letters."""

    async def look() -> Look[list[Seen]]:
        return await here.do(lambda shelf: messages.take(shelf, queue, most, lease, dead=dead))

    waited = await here.patiently(messages.bell(queue), wait, look)
    found = waited.found or []
    if waited.has_left:
        await here.do(lambda shelf: messages.untake(shelf, [each.receipt for each in found]))
    return _told(found)


@routes.get("/queues/wait")
async def wait_for_messages(here: Here, queue: Name, wait: Wait, dead: bool = False) -> dict[str, bool]:
    """Wait until there is a message to be given out, and take none: to a client that goes meanwhile nothing is lent."""

    async def look() -> Look[bool]:
        return await here.read(lambda connection: messages.left(connection, here.store, queue, dead=dead))

    return {"ready": bool((await here.patiently(messages.bell(queue), wait, look)).found)}


@routes.post("/queues/extend", status_code=204)
async def extend(here: Here, number: Number, lent: Number, lease: Seconds) -> None:
    """Keep a message from now."""
    await here.do(lambda shelf: messages.extend(shelf, Receipt(number, lent), lease))


@routes.post("/queues/ack")
async def ack(here: Here) -> dict[str, list[bool]]:
    """Remove messages, with replies to those who wait for one. `done` is false for one that was taken back."""
    asked, rest = parts.read(await here.request.body(), DoneMessages)
    replies = parts.cut(rest, [each.size for each in asked.messages])
    done = [Done(Receipt(each.number, each.lent), value) for each, value in zip(asked.messages, replies, strict=True)]
    return {"done": await here.do(lambda shelf: messages.ack(shelf, done))}


@routes.post("/queues/nack", status_code=204)
async def nack(here: Here, number: Number, lent: Number, delay: Delay = 0.0, unseen: bool = False) -> None:
    """Give a message out again. `unseen`: nobody has got it, so it was no attempt."""
    await here.do(lambda shelf: messages.give_back(shelf, Receipt(number, lent), delay, unseen=unseen))


@routes.post("/queues/reject", status_code=204)
async def reject(here: Here, number: Number, lent: Number) -> None:
    """Put a message among the dead letters. The body is the reason."""
    reason = await here.value(LONGEST_REASON)
    await here.do(lambda shelf: messages.reject(shelf, Receipt(number, lent), reason))


@routes.post("/queues/ask", status_code=204)
async def ask(here: Here, queue: Name, id: Id, timeout: Seconds) -> None:  # noqa: A002  its name in the address
    """Add a message whose reply is waited for. The body is its value."""
    value = await here.value()
    await here.do(lambda shelf: messages.ask(shelf, New(queue, id, value), timeout))


@routes.post("/queues/reply", response_class=Response)
async def reply(here: Here, id: Id, wait: Wait = 0.0) -> Response:  # noqa: A002  its name in the address
    """Take the reply to a message, waiting for it; 204 if there is none yet."""
    waited = await here.patiently(
        messages.reply_bell(id), wait, lambda: here.do(lambda shelf: messages.reply(shelf, id))
    )
    if waited.found is None:
        return Response(status_code=204)
    value, reason = waited.found
    kind = "value" if reason is None else "rejected"
    content = value if reason is None else reason
    return Response(content, media_type="application/octet-stream", headers={KIND: kind})


@routes.get("/queues/browse")
async def browse(
    here: Here,
    queue: Name,
    dead: bool = False,
    after: Annotated[int, Query(ge=-1, le=2**63 - 1)] = -1,
    most: Most = 100,
) -> Response:
    """Look at messages, and take none."""
    found = await here.read(lambda connection: messages.browse(connection, here.store, queue, after, most, dead=dead))
    return _told(found.messages, "" if found.after is None else str(found.after))


@routes.get("/queues/count")
async def count(here: Here, queue: Name, dead: bool = False) -> dict[str, int]:
    """How many messages it holds: waiting, delayed and lent."""
    return {"count": await here.read(lambda connection: messages.count(connection, here.store, queue, dead=dead))}


def _told(seen: list[Seen], after: str = "") -> Response:
    about = [
        {
            "number": each.receipt.number,
            "lent": each.receipt.lent,
            "id": each.id,
            "attempt": each.attempt,
            "reason": each.reason.decode(errors="replace"),
            "asked": each.asked,
            "order": each.order,
            "size": len(each.value),
        }
        for each in seen
    ]
    return parts.written({"messages": about, "after": after}, [each.value for each in seen])
