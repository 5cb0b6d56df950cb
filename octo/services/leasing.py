"""Leases that are held while work goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from octo.core.beside import beside
from octo.core.errors import OctoError, Transient
from octo.services.ports import Lease, Leases, Lost


@asynccontextmanager
async def held(leases: Leases, lease: Lease, ttl: float) -> AsyncIterator[None]:
    """Renew the lease while entered, then release it. If it is lost, the body is cancelled and `Lost` is raised."""
    try:
        async with beside(_renew(leases, lease, ttl)):
            yield
    finally:
        with suppress(OctoError):  # it ends by itself
            await leases.release(lease)


async def _renew(leases: Leases, lease: Lease, ttl: float) -> None:
    """Renew until cancelled; a service that is away for a moment is tried again while the lease lasts."""
    time = asyncio.get_running_loop().time
    until = time() + ttl
    while True:
        await asyncio.sleep(ttl / 3)
        began = time()
        try:
            await leases.renew(lease, ttl)
            until = began + ttl
        except Lost:
            raise
        except Transient:
            if time() + ttl / 3 >= until:
                raise
