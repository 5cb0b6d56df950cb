"""The clock of the server must not hold anything up when it goes back, as after a failover to a slower one.

The store knows a time that the clock has shown (`octo_store.latest`). If it shows an earlier one, every time in the
store goes back by the difference: leases, delays and times to live last about as long as they were, instead of longer
by an hour. They never become shorter than they were, because at least so much has passed.
"""

from __future__ import annotations

from octo.services.postgres.links import Links

JUMP = 1.0
"""Seconds by which the clock may go back unnoticed."""

TIMES = (
    *(("entries", "expires"), ("leases", "until"), ("messages", "due"), ("sent", "until")),
    *(("replies", "until"), ("events", "until")),
)

_MOVED = ", ".join(
    f"{table}_moved AS (UPDATE {table} SET {column} = {column} - back.ward FROM back WHERE {column} IS NOT NULL)"  # noqa: S608
    for table, column in TIMES
)
_KEEP = f"""
WITH known AS MATERIALIZED (SELECT latest FROM octo_store FOR UPDATE),
shown AS MATERIALIZED (SELECT latest, clock_timestamp() AS at FROM known),
back AS MATERIALIZED (SELECT latest - at AS ward FROM shown WHERE at < latest - $1::float8 * interval '1s'), {_MOVED}
UPDATE octo_store SET latest = at FROM shown
"""  # noqa: S608  names of ours


async def keep(links: Links) -> None:
    """Note what the clock shows; if it went back, move all times. One process at a time does it."""
    await links.rows(_KEEP, JUMP)
