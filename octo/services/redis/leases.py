"""Leases in Redis: among all processes that use it, by the clock of its server."""

from __future__ import annotations

import asyncio

from octo.services import limits
from octo.services.ports import Lease
from octo.services.redis.scripts import Script, micros
from octo.services.redis.store import Store

_NOT_BEFORE = 0.01
"""Seconds between two tries of one caller, at least."""

_LEASE = """
local lease = P .. ':lease:' .. ARGV[2]
local held = redis.call('HMGET', lease, 'token', 'until')
local left = held[1] and held[2] - now or 0
local function hold(token, time)
    redis.call('HSET', lease, 'token', token, 'until', now + time)
    redis.call('ZADD', ENDS, now + time, lease)
end
"""
_ACQUIRE = Script(f"""{_LEASE}
if left > 0 then return {{false, left}} end
local token = number()
hold(token, ARGV[3])
return {{token, 0}}
""")
_RENEW = Script(f"""{_LEASE}
if left <= 0 or held[1] ~= ARGV[3] then return 0 end
hold(held[1], ARGV[4])
return 1
""")
_RELEASE = Script(f"""{_LEASE}
if held[1] == ARGV[3] then
    redis.call('DEL', lease)
    redis.call('ZREM', ENDS, lease)
    ring('lease ' .. ARGV[2])
end
""")


class Holders:
    """See `octo.services.ports.Leases`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health

    async def acquire(self, name: str, ttl: float, *, wait: float = 0.0) -> Lease | None:
        limits.name(name, "lease name")
        time = asyncio.get_running_loop().time
        length = micros(limits.seconds(ttl, "ttl"))
        patience = time() + limits.delay(wait, "wait")
        with self._store.listening(f"lease {name}") as bell:
            while True:
                # A caller that is cancelled here may hold a lease that nobody knows of; it ends by itself.
                token, left = await self._store.call(_ACQUIRE, name, length)
                if token is not None:
                    return Lease(name, int(token))
                if time() >= patience:
                    return None
                await bell.heard(min(patience, time() + max(left / 1_000_000, _NOT_BEFORE)))

    async def renew(self, lease: Lease, ttl: float) -> None:
        length = micros(limits.seconds(ttl, "ttl"))
        if not await self._store.call(_RENEW, lease.name, lease.token, length):
            raise lease.lost()

    async def release(self, lease: Lease) -> None:
        await self._store.call(_RELEASE, lease.name, lease.token)
