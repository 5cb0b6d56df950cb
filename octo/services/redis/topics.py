"""Topics in Redis: among all processes that use it. A topic is a stream whose ids count its events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from octo.services import limits, values
from octo.services.grouping import BYTES
from octo.services.ports import Event, Lagged, Subscription
from octo.services.redis.retention import AGE, KEPT, KEPT_DURABLE, TRIM
from octo.services.redis.scripts import Script
from octo.services.redis.store import Store

_EVERY = 256
"""Events of a topic between two trims."""

_TOPIC = """
local topic, events = P .. ':topic:' .. ARGV[2], P .. ':events:' .. ARGV[2]
local subscribers = P .. ':subscribers:' .. ARGV[2]
"""
_PUBLISH = Script(f"""{TRIM}{_TOPIC}
local last = redis.call('INCR', topic)
redis.call('XADD', events, last .. '-0', 'value', ARGV[3])
redis.call('ZADD', ENDS, now + {AGE}, events)
if last % {_EVERY} == 0 then trim(ARGV[2], {KEPT}, {KEPT_DURABLE}) end
ring('topic ' .. ARGV[2])
""")
_AFTER = Script(f"""{_TOPIC}
local last, seen = tonumber(redis.call('GET', topic) or 0), tonumber(ARGV[3])
if seen > last then  -- the server has lost its last writes: what comes must be new to whoever has seen those
    redis.call('SET', topic, seen)
    last = seen
end
local found, size = {{}}, 0
while #found < 200 and size < {BYTES} do
    local some = redis.call('XRANGE', events, '(' .. seen, '+', 'COUNT', 10)
    for _, event in ipairs(some) do
        seen = string.match(event[1], '^%d+')
        table.insert(found, tonumber(seen))
        table.insert(found, event[2][2])
        size = size + #event[2][2]
    end
    if #some < 10 then break end
end
return {{last, found}}
""")
"""At most a hundred events or about so many bytes: each subscriber keeps them in memory."""
_LAST = Script(f"""{_TOPIC}
return tonumber(redis.call('GET', topic) or 0)
""")
_REMEMBER = Script(f"""{_TOPIC}
redis.call('ZADD', subscribers, 'NX', redis.call('GET', topic) or 0, ARGV[3])
return tonumber(redis.call('ZSCORE', subscribers, ARGV[3]))
""")
_COMMIT = Script(f"""{_TOPIC}
redis.call('ZADD', subscribers, 'XX', 'GT', ARGV[4], ARGV[3])
""")
_FORGET = Script(f"""{_TOPIC}
redis.call('ZREM', subscribers, ARGV[3])
""")


class Reader:
    """A subscription. seen: the number of the last event it was given."""

    def __init__(self, store: Store, topic: str, durable: str, seen: int) -> None:
        self._store = store
        self._topic = topic
        self._durable = durable
        self._kept = KEPT_DURABLE if durable else KEPT
        self._seen = seen
        self._read: list[tuple[int, bytes]] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not self._read:
            await self._more()
        number, stored = self._read.pop()
        self._seen = number
        return Event(values.opened(stored, self._topic), str(number))

    async def _more(self) -> None:
        """Wait until there is something to read."""
        with self._store.listening(f"topic {self._topic}") as bell:
            while not self._read:
                last, found = await self._store.call(_AFTER, self._topic, self._seen)
                events = list(zip(found[::2], found[1::2], strict=True))
                self._keep_up(last, events)
                self._read = events[::-1]
                if not events:
                    await bell.heard()

    def _keep_up(self, last: int, events: list[tuple[int, bytes]]) -> None:
        """Raise `Lagged` if events are gone that this subscriber has not seen."""
        oldest = max(events[0][0] if events else last + 1, last - self._kept + 1)
        gone = oldest - self._seen - 1
        if gone > 0:
            self._seen = oldest - 1
            raise Lagged(f"{gone} events of the topic {self._topic[:80]!r} are gone: this subscriber is too slow")

    async def commit(self, event: Event) -> None:
        if self._durable:
            await self._store.call(_COMMIT, self._topic, self._durable, event.cursor)


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
