"""Leases in a stream: the last message on a subject is the lease, the number of its first message is the token."""

from __future__ import annotations

import asyncio

from octo.services import limits
from octo.services.nats import names, payload, streams
from octo.services.nats.store import Changed, Store, Stored, bounded
from octo.services.ports import Lease

_NOT_BEFORE = 0.01
"""Seconds between two tries of one caller, at least."""


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
                found = await self._store.last(streams.KEYS, self._subject(name))
                left = _left(found, self._store.now())
                if left <= 0 and (token := await self._take(name, ttl, 0 if found is None else found.seq)):
                    return Lease(name, token)
                if time() >= patience:
                    return None
                await bell.heard(min(patience, time() + max(left, _NOT_BEFORE)))

    async def _take(self, name: str, ttl: float, last: int) -> int:
        """The token, 0 if another was faster."""
        try:
            return await self._write(name, 0, ttl, last)
        except Changed:
            return 0

    async def renew(self, lease: Lease, ttl: float) -> None:
        limits.seconds(ttl, "ttl")
        while True:
            found = await self._store.last(streams.KEYS, self._subject(lease.name))
            if found is None or _token(found) != lease.token or _left(found, self._store.now()) <= 0:
                raise lease.lost()
            try:
                await self._write(lease.name, lease.token, ttl, found.seq)
            except Changed:
                continue
            return

    async def release(self, lease: Lease) -> None:
        while True:
            found = await self._store.last(streams.KEYS, self._subject(lease.name))
            if found is None or _token(found) != lease.token:
                return
            if await self._store.remove(streams.KEYS, found.seq):
                await self._store.ring(_bell(lease.name))
                return

    async def _write(self, name: str, token: int, ttl: float, last: int) -> int:
        """token: 0 for a new one, which is the number of the message."""
        about = {"token": token} if token else {}
        until = self._store.now() + bounded(ttl)
        return await self._store.write(self._subject(name), payload.written(about, b""), last=last, until=until)

    def _subject(self, name: str) -> str:
        return self._store.subject("lease", names.token(name))


def _token(found: Stored) -> int:
    return int(payload.read(found.data).about.get("token", found.seq))


def _left(found: Stored | None, now: float) -> float:
    """Seconds until the lease is free."""
    return 0.0 if found is None or found.until is None else found.until - now


def _bell(name: str) -> str:
    return f"lease {names.token(name)}"
