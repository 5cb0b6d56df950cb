"""Leases in the data plane: among all instances of the deployment, by the clock of the platform."""

from __future__ import annotations

import asyncio

from octo.services import limits
from octo.services.platform import parts
from octo.services.platform.store import LOOK, Store, bounded
from octo.services.ports import Lease


class Holders:
    """See `octo.services.ports.Leases`."""

    def __init__(self, store: Store) -> None:
        self._call = store.call
        self.health = store.health

    async def acquire(self, name: str, ttl: float, *, wait: float = 0.0) -> Lease | None:
        limits.name(name, "lease name")
        query = {"name": name, "ttl": bounded(limits.seconds(ttl, "ttl"))}
        time = asyncio.get_running_loop().time
        patience = time() + limits.delay(wait, "wait")
        while True:
            # A caller that is cancelled here may hold a lease that nobody knows of; it ends by itself.
            answer = await self._call("POST", "/leases/acquire", query, again=bool(wait))
            if (token := parts.told(answer.body)["token"]) is not None:
                return Lease(name, token)
            if (left := patience - time()) <= 0:
                return None
            await self._call("GET", "/leases/wait", {"name": name, "wait": min(left, LOOK)}, wait=LOOK, again=True)

    async def renew(self, lease: Lease, ttl: float) -> None:
        query = {"name": lease.name, "token": lease.token, "ttl": bounded(limits.seconds(ttl, "ttl"))}
        answer = await self._call("POST", "/leases/renew", query, known=("lost",), again=True)
        if answer.problem is not None:
            raise lease.lost()

    async def release(self, lease: Lease) -> None:
        await self._call("POST", "/leases/release", {"name": lease.name, "token": lease.token}, again=True)
