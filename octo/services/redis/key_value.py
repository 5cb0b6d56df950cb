"""Key-value in Redis: a hash for each entry, and for each namespace the sorted set of its keys."""

from __future__ import annotations

from typing import Any

from octo.core.errors import Permanent
from octo.services import codes, limits, values
from octo.services.ports import Conflict, Entry, Page
from octo.services.redis.scripts import Script, micros
from octo.services.redis.store import Store

_ENTRY = """
local entry, keys, key = P .. ':entry:' .. ARGV[2] .. ':' .. ARGV[3], P .. ':keys:' .. ARGV[2], ARGV[3]
local had = redis.call('HMGET', entry, 'version', 'until')
local version = had[1] or '0'
if had[2] and tonumber(had[2]) <= now then version = '0' end
local function ends_after(time)
    if time == '' then
        redis.call('ZREM', ENDS, entry)
    else
        redis.call('HSET', entry, 'until', now + time)
        redis.call('ZADD', ENDS, now + time, entry)
    end
end
"""
"""version: 0 where there is no entry, or it has expired."""

_GET = Script(f"""{_ENTRY}
if version == '0' then return false end
return redis.call('HMGET', entry, 'version', 'count', 'value')
""")
_PUT = Script(f"""{_ENTRY}
if ARGV[5] ~= '' and ARGV[5] ~= version then return {{0, version}} end
redis.call('DEL', entry)
local made = number()
redis.call('HSET', entry, 'version', made, ARGV[6], ARGV[7])
redis.call('ZADD', keys, 0, key)
ends_after(ARGV[4])
return {{1, made}}
""")
_DELETE = Script(f"""{_ENTRY}
if version ~= '0' and ARGV[4] ~= '' and ARGV[4] ~= version then return {{0, version}} end
redis.call('DEL', entry)
redis.call('ZREM', keys, key)
redis.call('ZREM', ENDS, entry)
return {{1, version}}
""")
_INCREMENT = Script(f"""{_ENTRY}
local before = version ~= '0' and redis.call('HGET', entry, 'count')
if version ~= '0' and not before then return false end
if not before then redis.call('DEL', entry) end
for place = 5, #ARGV do
    if type(redis.pcall('HINCRBY', entry, 'count', ARGV[place])) ~= 'number' then
        if before then redis.call('HSET', entry, 'count', before) else redis.call('DEL', entry) end
        return ''
    end
end
redis.call('HSET', entry, 'version', number())
if not before then
    redis.call('ZADD', keys, 0, key)
    ends_after(ARGV[4])
end
return redis.call('HGET', entry, 'count')
""")
_LIST = Script("""
local keys, from, prefix, most = P .. ':keys:' .. ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local names = {}
while true do
    local found = redis.call('ZRANGEBYLEX', keys, from, '+', 'LIMIT', 0, most)
    for _, key in ipairs(found) do
        if string.sub(key, 1, #prefix) ~= prefix then return names end
        local had = redis.call('HMGET', P .. ':entry:' .. ARGV[2] .. ':' .. key, 'version', 'until')
        if had[1] and not (had[2] and tonumber(had[2]) <= now) then table.insert(names, key) end
        if #names == most then return names end
    end
    if #found < most then return names end
    from = '(' .. found[#found]
end
""")
"""Bytes in UTF-8 have the order of code points."""


class Entries:
    """See `octo.services.ports.KeyValue`. An expired entry is no entry, whether its keys are still there or not."""

    def __init__(self, store: Store) -> None:
        self._call = store.call
        self.health = store.health

    async def get(self, namespace: str, key: str) -> Entry | None:
        limits.namespace(namespace)
        limits.name(key, "key")
        found = await self._call(_GET, namespace, key)
        if found is None:
            return None
        version, count, stored = found
        return Entry(values.opened(stored, namespace, key) if count is None else int(count), int(version))

    async def put(
        self, namespace: str, key: str, value: object, *, version: int | None = None, ttl: float | None = None
    ) -> int:
        limits.namespace(namespace)
        limits.name(key, "key")
        limits.size(value)
        kind, stored = _stored(value, namespace, key)
        done = await self._call(_PUT, namespace, key, _ttl(ttl), _version(version), kind, stored)
        return _checked(done, key, version)

    async def delete(self, namespace: str, key: str, *, version: int | None = None) -> None:
        limits.namespace(namespace)
        limits.name(key, "key")
        _checked(await self._call(_DELETE, namespace, key, _version(version)), key, version)

    async def list(self, namespace: str, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        limits.namespace(namespace)
        start, behind = limits.prefix(prefix).encode(), limits.prefix(after).encode()
        asked = limits.most(most)
        first = b"(" + behind if behind >= start and behind else b"[" + start
        found = await self._call(_LIST, namespace, first, start, asked + 1)
        names = [key.decode() for key in found]
        return Page(tuple(names[:asked]), names[asked - 1] if len(names) > asked else "")

    async def increment(self, namespace: str, key: str, by: int = 1, *, ttl: float | None = None) -> int:
        limits.namespace(namespace)
        limits.name(key, "key")
        time = _ttl(ttl)
        if abs(by) > limits.MOST_COUNT * 3:  # whatever the count is
            raise _too_large(key)
        found = await self._call(_INCREMENT, namespace, key, time, *_steps(by))
        if found is None:
            raise Permanent(f"the value under the key {key[:80]!r} is no whole number", code=codes.NO_COUNTER)
        if not found:
            raise _too_large(key)
        return int(found)


def _checked(done: Any, key: str, expected: int | None) -> int:
    """The version, if it was done."""
    is_done, version = done
    if not is_done:
        raise Conflict(f"the entry {key[:80]!r} has version {int(version)}, not {expected}")
    return int(version)


def _steps(by: int) -> list[int]:
    """Numbers of 64 bits that add up to this one, with the same sign: so what fits at the end fits in between."""
    steps: list[int] = []
    while by or not steps:
        step = min(max(by, limits.LEAST_COUNT), limits.MOST_COUNT)
        steps.append(step)
        by -= step
    return steps


def _too_large(key: str) -> Permanent:
    return Permanent(f"the counter {key[:80]!r} would not fit into 64 bits", code=codes.NO_COUNTER)


def _ttl(ttl: float | None) -> int | str:
    return "" if ttl is None else micros(limits.seconds(ttl, "ttl"))


def _version(version: int | None) -> str:
    return "" if version is None else str(version)


def _stored(value: object, namespace: str, key: str) -> tuple[str, bytes | int]:
    """The field and what is in it: a count, or the value if it cannot be counted."""
    if type(value) is int and limits.LEAST_COUNT <= value <= limits.MOST_COUNT:
        return "count", value
    return "value", values.sealed(value, namespace, key)
