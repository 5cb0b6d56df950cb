"""Leases in the store: among the processes of one machine."""

from __future__ import annotations

import asyncio
import sqlite3

from octo.services import limits
from octo.services.embedded import schema
from octo.services.embedded.store import Store
from octo.services.ports import Lease


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

        def work(connection: sqlite3.Connection, now: float) -> tuple[Lease | None, float]:
            held = connection.execute("SELECT until FROM leases WHERE name = ? AND until > ?", [name, now]).fetchone()
            if held is not None:
                return None, held[0] - now
            token = schema.number(connection)
            connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", [name, token, now + ttl])
            return Lease(name, token), 0.0

        with self._store.listening(_bell(name)) as bell:
            while True:
                # A caller that is cancelled here may hold a lease that nobody knows of; it ends by itself.
                lease, left = await self._store.do(work)
                if lease is not None or time() >= patience:
                    return lease
                await bell.heard(min(patience, time() + left))

    async def renew(self, lease: Lease, ttl: float) -> None:
        limits.seconds(ttl, "ttl")

        def work(connection: sqlite3.Connection, now: float) -> int:
            return connection.execute(
                "UPDATE leases SET until = ? WHERE name = ? AND token = ? AND until > ?",
                [now + ttl, lease.name, lease.token, now],
            ).rowcount

        if not await self._store.do(work):
            raise lease.lost()

    async def release(self, lease: Lease) -> None:
        def work(connection: sqlite3.Connection, _: float) -> None:
            connection.execute("DELETE FROM leases WHERE name = ? AND token = ?", [lease.name, lease.token])

        await self._store.do(work)
        self._store.ring(_bell(lease.name))


def _bell(name: str) -> str:
    return f"lease {name}"
