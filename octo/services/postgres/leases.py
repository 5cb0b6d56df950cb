"""Leases in the database: among all processes that use it, by the clock of its server."""

from __future__ import annotations

import asyncio

from octo.services import limits
from octo.services.ports import Lease
from octo.services.postgres.store import Store, bounded, lock_of

_NOT_BEFORE = 0.01
"""Seconds between two tries of one caller, at least."""

_ACQUIRE = """
WITH turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock($1) WHERE NOT EXISTS (SELECT FROM leases WHERE name = $2 AND until > now())
), taken AS (
    INSERT INTO leases AS held SELECT $2, nextval('numbers'), clock_timestamp() + $3::float8 * interval '1s' FROM turn
    ON CONFLICT (name) DO UPDATE SET token = excluded.token, until = clock_timestamp() + $3::float8 * interval '1s'
    WHERE held.until <= clock_timestamp() RETURNING token
)
SELECT token, NULL::float8 AS remaining FROM taken
UNION ALL
SELECT NULL, extract(epoch FROM until - clock_timestamp())::float8 FROM leases
WHERE name = $2 AND NOT EXISTS (SELECT FROM taken)
"""
"""The lease is looked at twice: without a lock, which leaves no trace if it is held, and then in turn."""
_RENEW = """
UPDATE leases SET until = clock_timestamp() + $3::float8 * interval '1s'
WHERE name = $1 AND token = $2 AND until > clock_timestamp() RETURNING 1
"""
_RELEASE = "DELETE FROM leases WHERE name = $1 AND token = $2"


class Holders:
    """See `octo.services.ports.Leases`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health

    async def acquire(self, name: str, ttl: float, *, wait: float = 0.0) -> Lease | None:
        limits.name(name, "lease name")
        limits.seconds(ttl, "ttl")
        time = asyncio.get_running_loop().time
        patience = time() + limits.delay(wait, "wait")
        with self._store.listening(_bell(name)) as bell:
            while True:
                # A caller that is cancelled here may hold a lease that nobody knows of; it ends by itself.
                token, remaining = await self._acquire(name, ttl)
                if token is not None:
                    return Lease(name, token)
                if time() >= patience:
                    return None
                await bell.heard(min(patience, time() + max(remaining, _NOT_BEFORE)))

    async def _acquire(self, name: str, ttl: float) -> tuple[int | None, float]:
        """The token, or the seconds until the lease may be free."""
        for token, remaining in await self._store.rows(_ACQUIRE, lock_of("lease", name), name, bounded(ttl)):
            return token, remaining or 0.0
        return None, 0.0  # somebody took it at the same moment

    async def renew(self, lease: Lease, ttl: float) -> None:
        limits.seconds(ttl, "ttl")
        if not await self._store.rows(_RENEW, lease.name, lease.token, bounded(ttl)):
            raise lease.lost()

    async def release(self, lease: Lease) -> None:
        await self._store.rows(_RELEASE, lease.name, lease.token)
        self._store.ring(_bell(lease.name))


def _bell(name: str) -> str:
    return f"lease {name}"
