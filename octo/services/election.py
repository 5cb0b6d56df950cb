"""Leaders, on top of leases: of all candidates under one name, at most one leads at a time.

    async with campaign(leases, "cron") as candidate:
        while True:
            await candidate.elected()
            ...  # ask candidate.leads before each thing that only the leader may do

A leader that is frozen or cut off is replaced, but does not notice at once: see `Candidate.token`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from octo.core.beside import beside
from octo.core.delivery import Idle
from octo.core.errors import OctoError, Transient
from octo.core.log import fields
from octo.services.ports import Lease, Leases, Lost

log = logging.getLogger("octo.services")

TTL = 15.0
"""Seconds within which a leader that is gone is replaced. A leader renews its lease after two thirds of this time."""
LOOK = 20.0
"""Seconds after which a source that waits for its turn says that it works."""

T = TypeVar("T")


_candidates: set[Candidate] = set()


def led() -> Mapping[str, int]:
    """What this process leads, by what its candidates are told to be about, each with its token."""
    return {each.about: each.token for each in _candidates if each.leads}


class Candidate:
    """One candidate.

    about: what it leads, for people.

    token: the token of its lease, 0 before its first. It grows with every leader: a system that refuses smaller
    tokens cannot be changed by a leader that was frozen or cut off and does not know that it was replaced.
    """

    def __init__(self, leases: Leases, name: str, ttl: float, about: str = "") -> None:
        self.about = about or name
        self.token = 0
        self._leases = leases
        self._name = name
        self._ttl = ttl
        self._until = float("-inf")
        self._elected = asyncio.Event()

    @property
    def leads(self) -> bool:
        """Whether it leads at this moment. False once the lease may be over, even if the service is out of reach."""
        return asyncio.get_running_loop().time() < self._until

    async def elected(self) -> int:
        """Return the token once it leads."""
        while not self.leads:
            self._elected.clear()
            await self._elected.wait()
        return self.token

    async def live(self) -> None:
        """Campaign, lead, and begin again, until cancelled; then release the lease at once."""
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
                    log.warning(
                        "the lease could not be acquired or renewed", extra=fields(lease=self._name, error=str(error))
                    )
                    await asyncio.sleep(self._ttl / 7)
        finally:
            self._until = float("-inf")
            if lease is not None:
                with contextlib.suppress(OctoError):  # it ends by itself
                    await self._leases.release(lease)

    async def _lead(self, lease: Lease) -> None:
        """Lead for as long as the lease can be renewed."""
        while True:
            # Counted from before the call: the lease may begin at any time until the call returns.
            asked = asyncio.get_running_loop().time()
            await self._leases.renew(lease, self._ttl)
            self.token, self._until = lease.token, asked + self._ttl
            self._elected.set()
            await asyncio.sleep(self._ttl * 2 / 3)


async def leads_soon(candidate: Candidate, seconds: float) -> bool:
    """Whether the candidate leads, within so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await candidate.elected()
    return candidate.leads


@asynccontextmanager
async def campaign(leases: Leases, name: str, *, ttl: float = TTL, about: str = "") -> AsyncIterator[Candidate]:
    """Campaign while entered. about: what the leader leads, as `octo cluster` shows it; default: the name."""
    candidate = Candidate(leases, name, ttl, about)
    _candidates.add(candidate)
    try:
        async with beside(candidate.live()):
            yield candidate
    finally:
        _candidates.discard(candidate)


async def in_turn(
    leases: Leases,
    name: str,
    read: Callable[[Callable[[], bool]], AsyncGenerator[T]],
    *,
    ttl: float = TTL,
    about: str = "",
) -> AsyncGenerator[T | Idle]:
    """Yield what `read` does, while no other process reads under this name; meanwhile `Idle` now and then.

    read: gets whether it may go on, and returns soon once it may not. ttl, about: see `campaign`.
    """
    async with campaign(leases, name, ttl=ttl, about=about) as candidate:
        while True:
            if not await leads_soon(candidate, LOOK):
                yield Idle()
                continue
            async with aclosing(read(lambda: candidate.leads)) as found:
                async for each in found:
                    yield each
