"""Leaders, on top of leases: of all who campaign under one name, at most one leads at a time.

    async with campaign(leases, "cron") as candidate:
        while True:
            await candidate.elected()
            ...  # ask candidate.leads before each thing that only the leader may do

A leader that is frozen or cut off is replaced, and does not notice at once: see `Candidate.token`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from octo.core.errors import OctoError, Transient
from octo.core.log import fields
from octo.services.ports import Lease, Leases, Lost

log = logging.getLogger("octo.services")

TTL = 15.0
"""Seconds after which a leader that is gone has been replaced. It renews after two thirds, and tries again often."""


class Candidate:
    """One that campaigns.

    token: that of its lease, 0 before the first. It grows with every leader: what refuses smaller ones cannot be
    changed by a leader that was replaced without noticing, because it was frozen or cut off.
    """

    def __init__(self, leases: Leases, name: str, ttl: float) -> None:
        self.token = 0
        self._leases = leases
        self._name = name
        self._ttl = ttl
        self._until = float("-inf")
        self._elected = asyncio.Event()

    @property
    def leads(self) -> bool:
        """Whether it leads at this moment. False once the lease may be over, also when nobody could be asked."""
        return asyncio.get_running_loop().time() < self._until

    async def elected(self) -> int:
        """Return the token once it leads."""
        while not self.leads:
            self._elected.clear()
            await self._elected.wait()
        return self.token

    async def live(self) -> None:
        """Campaign, lead, and begin again, until cancelled; then the lease is free at once."""
        lease: Lease | None = None
        try:
            while True:
                try:
                    lease = lease or await self._leases.acquire(self._name, self._ttl, wait=self._ttl)
                    if lease is not None:
                        await self._lead(lease)
                except Lost:
                    lease = None
                except Transient as error:
                    log.warning("the lease could not be asked for", extra=fields(lease=self._name, error=str(error)))
                    await asyncio.sleep(self._ttl / 7)
        finally:
            self._until = float("-inf")
            if lease is not None:
                with contextlib.suppress(OctoError):  # it ends by itself
                    await self._leases.release(lease)

    async def _lead(self, lease: Lease) -> None:
        """Lead for as long as the lease can be renewed."""
        while True:
            # Counted from before the question: the lease may be given at any time until it is answered.
            asked = asyncio.get_running_loop().time()
            await self._leases.renew(lease, self._ttl)
            self.token, self._until = lease.token, asked + self._ttl
            self._elected.set()
            await asyncio.sleep(self._ttl * 2 / 3)


@asynccontextmanager
async def campaign(leases: Leases, name: str, *, ttl: float = TTL) -> AsyncIterator[Candidate]:
    """Campaign while entered."""
    candidate = Candidate(leases, name, ttl)
    try:
        async with asyncio.TaskGroup() as tasks:
            campaigning = tasks.create_task(candidate.live())
            try:
                yield candidate
            finally:
                campaigning.cancel()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
