"""Topics in Redis: among all processes that use it. A topic is a stream whose ids count its events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from octo.services import limits, reader, values
from octo.services.grouping import BYTES
from octo.services.ports import Subscription
from octo.services.reader import KEPT, KEPT_DURABLE, Found
from octo.services.redis.retention import AGE, TRIM
from octo.services.redis.scripts import Script
from octo.services.redis.store import Store

_EVERY = 256
"""Events of a topic between two trims."""

_TOPIC = """
local topic, events = P .. ':topic:' .. ARGV[2], P .. ':events:' .. ARGV[2]
local subscribers = P .. ':subscribers:' .. ARGV[2]
-- The clock tells the first number: after a server has lost all, new events are new to whoever saw the old ones.
if redis.call('EXISTS', topic) == 0 then redis.call('SET', topic, string.format('%.0f', now)) end
"""
_PUBLISH = Script(f"""{TRIM}{_TOPIC}
local last = redis.call('INCR', topic)
redis.call('XADD', events, string.format('%.0f-0', last), 'value', ARGV[3])
redis.call('ZADD', ENDS, now + {AGE}, events)
if last % {_EVERY} == 0 then trim(ARGV[2], {KEPT}, {KEPT_DURABLE}) end
ring('topic ' .. ARGV[2])
""")
_AFTER = Script(f"""{_TOPIC}
local last, seen = tonumber(redis.call('GET', topic)), tonumber(ARGV[3])
if seen > last then  -- the server has lost its last writes: what comes must be new to whoever has seen those
    redis.call('SET', topic, string.format('%.0f', seen))
    last = seen
end
local found, size = {{}}, 0
while #found < 200 and size < {BYTES} do
    local some = redis.call('XRANGE', events, string.format('(%.0f', seen), '+', 'COUNT', 10)
    for _, event in ipairs(some) do
        seen = tonumber(string.match(event[1], '^%d+'))
        table.insert(found, seen)
        table.insert(found, event[2][2])
        size = size + #event[2][2]
    end
    if #some < 10 then break end
end
local next = found[1] or last + 1
if ARGV[4] ~= '' and next > ARGV[3] + 1 then  -- events are gone, and perhaps the name with them
    redis.call('ZADD', subscribers, 'NX', next - 1, ARGV[4])
end
return {{last, found}}
""")
"""At most a hundred events or about so many bytes: each subscriber keeps them in memory."""
_LAST = Script(f"""{_TOPIC}
return tonumber(redis.call('GET', topic))
""")
_REMEMBER = Script(f"""{_TOPIC}
redis.call('ZADD', subscribers, 'NX', redis.call('GET', topic), ARGV[3])
return tonumber(redis.call('ZSCORE', subscribers, ARGV[3]))
""")
_COMMIT = Script(f"""{_TOPIC}
redis.call('ZADD', subscribers, 'XX', 'GT', ARGV[4], ARGV[3])
""")
_FORGET = Script(f"""{_TOPIC}
redis.call('ZREM', subscribers, ARGV[3])
""")


class Reader(reader.Reader[Store]):
    """A subscription."""

    async def _after(self) -> Found:
        last, found = await self._store.call(_AFTER, self._topic, self._seen, self._durable)
        return Found(last, list(zip(found[::2], found[1::2], strict=True)))

    async def _commit(self, number: int) -> None:
        await self._store.call(_COMMIT, self._topic, self._durable, number)


class Logs:
    """See `octo.services.ports.Topics`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health

    async def publish(self, topic: str, value: object) -> None:
        limits.name(topic, "topic name")
        limits.size(value)
        await self._store.call(_PUBLISH, topic, values.sealed(value, topic))

    @asynccontextmanager
    async def subscribe(self, topic: str, *, durable: str = "") -> AsyncIterator[Subscription]:
        limits.name(topic, "topic name")
        if durable:
            limits.name(durable, "subscriber name")
            seen = await self._store.call(_REMEMBER, topic, durable)
        else:
            seen = await self._store.call(_LAST, topic)
        yield Reader(self._store, topic, durable, seen)

    async def forget(self, topic: str, durable: str) -> None:
        limits.name(topic, "topic name")
        limits.name(durable, "subscriber name")
        await self._store.call(_FORGET, topic, durable)
