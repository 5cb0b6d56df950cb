"""Events that nobody needs any more are removed now and then; all else ends by itself.

An event is needed for an hour, and by a durable subscriber until it has committed it.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

from octo.core.errors import OctoError
from octo.services.nats import payload, streams
from octo.services.nats.connection import header
from octo.services.nats.store import Store

AGE = 3600.0
"""Seconds after which an event is gone that no durable subscriber needs."""
PAUSE = 60.0
"""Seconds between two sweeps of one process, on average."""
AT_ONCE = 100
"""Topics of one sweep."""


async def live(store: Store) -> None:
    """Sweep now and then, until cancelled. Processes do not do it at the same moment."""
    topic = ""
    while True:
        await asyncio.sleep(PAUSE * (0.5 + random.random()))  # noqa: S311  no secret
        try:
            topic = await sweep(store, topic)
        except OctoError:
            continue  # health tells; the next sweep has more to do


async def sweep(store: Store, after: str = "", age: float = AGE) -> str:
    """Remove what is needless of some topics; returns the last of them, "" at the end."""
    found = await store.link.api(
        f"STREAM.INFO.{store.stream(streams.TOPICS)}", subjects_filter=store.subject("topic", "*")
    )
    topics = sorted(each for each in found["state"].get("subjects") or () if each > after)
    for subject in topics[:AT_ONCE]:
        await _trim(store, subject, found["state"]["last_seq"], age)
    return topics[AT_ONCE - 1] if len(topics) > AT_ONCE else ""


async def _trim(store: Store, subject: str, last: int, age: float) -> None:
    needed = min(await _young(store, subject, last, age), await _wanted(store, subject.rpartition(".")[2], last))
    await store.link.api(f"STREAM.PURGE.{store.stream(streams.TOPICS)}", filter=subject, seq=needed)


async def _young(store: Store, subject: str, last: int, age: float) -> int:
    """The number of the first event that is not old yet."""
    since = datetime.fromtimestamp(store.now() - age, UTC).isoformat()
    answer = await store.first(streams.TOPICS, subject, since)
    return int(header(answer.messages[0], "Nats-Sequence")) if answer.messages else last + 1


async def _wanted(store: Store, topic: str, last: int) -> int:
    """The number of the first event that a durable subscriber has not committed."""
    found = await store.link.api(
        f"STREAM.INFO.{store.stream(streams.KEYS)}", subjects_filter=store.subject("seen", topic, "*")
    )
    marks = [await store.last(streams.KEYS, each) for each in found["state"].get("subjects") or ()]
    return min((payload.read(each.data).about["seen"] + 1 for each in marks if each is not None), default=last + 1)
