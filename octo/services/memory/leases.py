"""Leases in memory: among the tasks of one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from octo.core.errors import Transient
from octo.services import codes, limits
from octo.services.bells import Bells
from octo.services.memory.room import ENTRIES
from octo.services.ports import Lease, Leases


class _Held(NamedTuple):
    token: int
    until: float


class Holders:
    """See `octo.services.ports.Leases`."""

    def __init__(self, entries: int = ENTRIES) -> None:
        self._entries = entries
        self._held: dict[str, _Held] = {}
        self._bells = Bells()
        self._token = 0

    async def acquire(self, name: str, ttl: float, *, wait: float = 0.0) -> Lease | None:
        limits.name(name, "lease name")
        limits.seconds(ttl, "ttl")
        now = asyncio.get_running_loop().time
        patience = now() + limits.delay(wait, "wait")
        while (held := self._holder(name)) is not None:
            if now() >= patience:
                return None
            await self._bells.heard(name, min(held.until, patience))
        self._make_room()
        self._token += 1
        self._held[name] = _Held(self._token, now() + ttl)
        return Lease(name, self._token)

    async def renew(self, lease: Lease, ttl: float) -> None:
        limits.seconds(ttl, "ttl")
        if not self._is_held(lease):
            raise lease.lost()
        self._held[lease.name] = _Held(lease.token, asyncio.get_running_loop().time() + ttl)

    async def release(self, lease: Lease) -> None:
        if self._is_held(lease):
            del self._held[lease.name]
            self._bells.ring(lease.name)

    def _holder(self, name: str) -> _Held | None:
        held = self._held.get(name)
        return held if held is not None and held.until > asyncio.get_running_loop().time() else None

    def _is_held(self, lease: Lease) -> bool:
        held = self._holder(lease.name)
        return held is not None and held.token == lease.token

    def _make_room(self) -> None:
        if len(self._held) >= self._entries:
            self._held = {name: held for name, held in self._held.items() if self._holder(name) is not None}
        if len(self._held) >= self._entries:
            raise Transient("leases in memory are full", code=codes.FULL)


@asynccontextmanager
async def opened() -> AsyncIterator[Leases]:
    """New leases, shared with nothing else."""
    yield Holders()
