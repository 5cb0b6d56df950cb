"""What a store needs now and then: what is over is removed, a few keys at a time."""

from __future__ import annotations

import asyncio
import random

from octo.core.errors import OctoError
from octo.services.reader import KEPT_DURABLE
from octo.services.redis.link import Link
from octo.services.redis.retention import AGE, TRIM
from octo.services.redis.scripts import Script

PAUSE = 15.0
"""Seconds between two sweeps of one process, on average."""
AT_ONCE = 200
"""Keys of one script: nobody else is served meanwhile."""

_SWEEP = Script(f"""
{TRIM}
local over = redis.call('ZRANGEBYSCORE', ENDS, '-inf', now, 'LIMIT', 0, ARGV[2])
for _, key in ipairs(over) do
    redis.call('ZREM', ENDS, key)
    local name = string.sub(key, #P + 2)
    local namespace, entry = string.match(name, '^entry:([^:]*):(.*)$')
    if namespace then redis.call('ZREM', P .. ':keys:' .. namespace, entry) end
    local topic = string.match(name, '^events:(.*)$')
    if not topic then
        redis.call('DEL', key)
    else
        trim(topic, 0, {KEPT_DURABLE})
        if redis.call('XLEN', key) > 0 then redis.call('ZADD', ENDS, now + {AGE}, key) end
    end
end
return #over
""")


async def live(link: Link) -> None:
    """Sweep now and then, until cancelled. Processes do not do it at the same moment."""
    while True:
        await asyncio.sleep(PAUSE * (0.5 + random.random()))  # noqa: S311  no secret
        try:
            await sweep(link)
        except OctoError:
            continue  # health tells; the next sweep has more to do


async def sweep(link: Link) -> None:
    """Remove what is over."""
    while await link.call(_SWEEP, AT_ONCE) == AT_ONCE:
        pass
