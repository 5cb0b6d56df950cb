"""What is kept for some time only goes by itself: old entries of the audit log, and what nothing refers to any more."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, inspect, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from octo.core.log import fields
from octo_platform.auth.logins import IDLE
from octo_platform.ids import first_of
from octo_platform.installation import Installation
from octo_platform.storage.database import Database
from octo_platform.storage.tables import (
    Answered,
    ApiKey,
    AuditEntry,
    Bundle,
    Deployment,
    DeviceRequest,
    Grant,
    Login,
    Mark,
    Release,
    Table,
    Version,
    Workspace,
    now,
)
from octo_platform.web.repeats import KEPT

log = logging.getLogger("octo.platform")

EVERY = 3600.0
"""Seconds between two looks."""

RELEASES = 100
"""Of a deployment that are kept, besides the one that is known to be good."""

_AT_ONCE = 1_000
"""Rows that go in one transaction: others write meanwhile."""

_JUMP = 600.0
"""Seconds by which a clock is ahead that was set since the look before: what would be old by it may be new."""


async def run(installation: Installation) -> None:
    """Look now and then, until cancelled."""
    wall, ticks = time.time(), time.monotonic()
    while True:
        await asyncio.sleep(EVERY)
        ahead = (time.time() - wall) - (time.monotonic() - ticks)
        wall, ticks = time.time(), time.monotonic()
        if ahead > _JUMP:
            log.warning("the clock was set: nothing that is old by it is removed yet", extra=fields(seconds=int(ahead)))
            continue
        try:
            await sweep(installation.database, timedelta(days=installation.options.audit_days))
        except SQLAlchemyError as error:
            log.warning("what is too old could not be removed", extra=fields(error=type(error).__name__))


async def sweep(database: Database, audit: timedelta, clock: Callable[[], datetime] = now) -> dict[str, int]:
    """Remove what is too old, and return how many rows that were, by table. audit: how long that log keeps an entry."""
    counts: dict[str, int] = {}
    for table, which in _old(clock(), audit):
        key = inspect(table).primary_key
        rows = select(*key).where(which).limit(_AT_ONCE)
        while True:
            async with database.write() as session:
                found = (await session.execute(rows)).all()
                await session.execute(delete(table).where(tuple_(*key).in_(found), which))
            counts[table.__tablename__] = counts.get(table.__tablename__, 0) + len(found)
            if len(found) < _AT_ONCE:
                break
    if gone := {name: count for name, count in counts.items() if count}:
        log.info("what was too old is removed", extra=fields(**gone))
    return counts


def _old(at: datetime, audit: timedelta) -> Iterator[tuple[type[Table], ColumnElement[bool]]]:
    """Each table with rows that go, and which of them."""
    yield AuditEntry, AuditEntry.id < first_of(at - audit)  # ids sort by time, and have an index
    yield Answered, Answered.created_at < at - KEPT
    yield Mark, Mark.expires_at < at
    yield DeviceRequest, DeviceRequest.expires_at < at
    yield Login, (Login.expires_at < at) | (Login.turned_at < at - IDLE)
    yield ApiKey, (ApiKey.expires_at < at - audit) | (ApiKey.revoked_at < at - audit)
    yield Grant, (Grant.workspace != "*") & ~exists().where(Workspace.id == Grant.workspace)
    yield (
        Release,
        exists().where(
            Deployment.id == Release.deployment_id,
            Release.generation <= Deployment.generation - RELEASES,
            Release.generation != Deployment.good_release,
        ),
    )
    # Not what was made a moment ago: its version is stored together with it, and may not be seen yet.
    unused = ~exists().where(Version.hash == Bundle.hash)
    yield Bundle, unused & (Bundle.created_at < at - timedelta(hours=1))
