"""What is in a queue, for who only looks."""

from __future__ import annotations

from collections.abc import Sequence

from nats.aio.msg import Msg

from octo.services import values
from octo.services.nats import payload, streams
from octo.services.nats.connection import header
from octo.services.nats.lane import Given, Lane
from octo.services.nats.store import Store
from octo.services.ports import Received, Seen

_BYTES = 8 << 20
"""Bytes of messages that are read at once, about."""


def received(lane: Lane, given: Given) -> Received:
    """The message that was given out. Raises `Damaged` for what others wrote."""
    message, about = given.about.get("id", given.name), given.about
    return Received(
        lane.queue,
        message,
        values.opened(given.stored, lane.queue, message),
        about.get("attempt", 0) + 1,
        None,
        about.get("reason", ""),
        "reply" in about,
        about.get("order", ""),
    )


async def browse(store: Store, lane: Lane, places: Sequence[str], seq: int, most: int) -> Seen:
    """At most so many messages in these places, whose numbers are above `seq`."""
    found = [message for place in places for message in await _messages(store, place, seq, most)]
    found = sorted(found, key=_seq)[:most]
    given_out = await lane.given_out()
    seen = [await _seen(store, lane, message, given_out) for message in found]
    return Seen(seen, str(_seq(found[-1])) if len(found) == most else "")


async def count(store: Store, place: str) -> int:
    """How many messages are there."""
    answer = await store.after(streams.QUEUES, place, 0, 1)
    return 1 + int(header(answer.messages[0], "Nats-Num-Pending")) if answer.messages else 0


async def _messages(store: Store, place: str, seq: int, most: int) -> list[Msg]:
    found: list[Msg] = []
    while len(found) < most:
        answer = await store.after(streams.QUEUES, place, seq, most - len(found), _BYTES)
        if not answer.messages:
            break
        found += answer.messages
        seq = _seq(found[-1])
    return found


async def _seen(store: Store, lane: Lane, message: Msg, given_out: int) -> Received:
    """A message that is only looked at. What others wrote is as it is."""
    given = Given.of(header(message, "Nats-Subject"), _seq(message), "", message.data)
    try:
        found = received(lane, given)
    except values.Damaged as error:
        return Received(lane.queue, given.name, message.data, 0, None, str(error))
    if "order" in given.about and not lane.dead:
        return found._replace(attempt=await _attempts(store, lane, given, given_out))
    is_counted = given.seq <= given_out and "due" not in given.about
    return found._replace(attempt=found.attempt - (0 if is_counted else 1), wants_reply=False)


async def _attempts(store: Store, lane: Lane, given: Given, given_out: int) -> int:
    """How often one in a line has been given out: not at all, unless it is in the queue, too."""
    found = await store.last(streams.QUEUES, lane.subject(given.name, given.order))
    if found is None:
        return 0
    return int(payload.read(found.data).about.get("attempt", 0)) + (1 if found.seq <= given_out else 0)


def _seq(message: Msg) -> int:
    return int(header(message, "Nats-Sequence"))
