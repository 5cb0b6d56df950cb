"""What a store needs now and then: what is over is removed, a few rows at a time, and the clock is looked at."""

from __future__ import annotations

import asyncio
import random

from octo.core.errors import OctoError
from octo.services.postgres import clock
from octo.services.postgres.links import Links

PAUSE = 15.0
"""Seconds between two sweeps of one process, on average."""
AT_ONCE = 500
"""Rows of one statement."""

_TABLES = (
    ("entries", "namespace, key", "expires <= now()"),
    ("leases", "name", "until <= now()"),
    ("sent", "queue, key", "until <= now()"),
    ("replies", "id", "until <= now()"),
    (
        "events",
        "topic, number",
        # Old events that no durable subscriber needs: who else reads them is not known, but had an hour.
        "until <= now() AND NOT EXISTS (SELECT FROM subscribers AS s WHERE s.topic = events.topic AND s.seen < number)",
    ),
)
"""Table, key, and which rows are over."""


async def live(links: Links) -> None:
    """Sweep now and then, until cancelled. Processes do not do it at the same moment."""
    while True:
        await asyncio.sleep(PAUSE * (0.5 + random.random()))  # noqa: S311  no secret
        try:
            await clock.keep(links)
            await sweep(links)
        except OctoError:
            continue  # health tells; the next sweep has more to do


async def sweep(links: Links) -> None:
    """Remove what is over."""
    for table, key, over in _TABLES:
        while len(await links.rows(_statement(table, key, over))) == AT_ONCE:
            pass


def _statement(table: str, key: str, over: str) -> str:
    # Rows that another process removes or renews at this moment are left alone.
    return (
        f"WITH gone AS MATERIALIZED (SELECT {key} FROM {table} WHERE {over} LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED) "  # noqa: S608  names of ours
        f"DELETE FROM {table} USING gone WHERE ({', '.join(f'{table}.{each}' for each in key.split(', '))}) = "
        f"({', '.join(f'gone.{each}' for each in key.split(', '))}) RETURNING 1"
    )
