"""Lua scripts: each is one atomic act of the server, and one call.

All begin with the same lines, which know the time and give out numbers. Every time and number is in microseconds of one
clock that never goes back, also when that of the server does, or when another server with a slower one takes over:

- `now` is the server's clock, set forward by as much as it has gone back.
- `number()` is greater than every number before it, and not smaller than `now`. So also a server that has lost its last
  writes gives out no number twice: the time has gone on.

Keys begin with `P`. No key has a time to live of Redis: what is over is removed by `sweep`, so no policy that evicts
only keys with one (`volatile-*`) ever takes something.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha1

CENTURY = 3.2e9
"""Seconds: the longest time that fits into a score beside the clock."""

_BEGIN = """
local P = ARGV[1]
local STORE, ENDS = P .. ':store', P .. ':ends'
local shown = redis.call('TIME')
local known = redis.call('HMGET', STORE, 'last', 'ahead')
local last = tonumber(known[1] or 0)
local now = shown[1] * 1000000 + shown[2] + tonumber(known[2] or 0)
if now < last - 1000000 then
    redis.call('HINCRBY', STORE, 'ahead', string.format('%.0f', last - now))
    now = last
end
local function number()
    last = math.max(last + 1, now)
    redis.call('HSET', STORE, 'last', last)
    return string.format('%.0f', last)
end
local function ring(name) redis.call('PUBLISH', P .. ':bells', name) end
"""


@dataclass(frozen=True)
class Script:
    """text: what follows the common lines. sha: under which the server knows it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _BEGIN + self.text)
        object.__setattr__(self, "sha", sha1(self.text.encode(), usedforsecurity=False).hexdigest())


def micros(seconds: float) -> int:
    """A length of time for a script: at least a microsecond, at most a century."""
    return max(1, round(min(seconds, CENTURY) * 1_000_000))


SIGN = Script("""
local before = string.format('%.0f', last)
redis.call('HSETNX', STORE, 'version', ARGV[2])
redis.call('HSETNX', STORE, 'born', number())
local made = redis.call('HMGET', STORE, 'version', 'born')
return {made[1], made[2], before, number()}
""")
"""A sign of life, and a write: the version of the store, its first number, the last one before this, and a new one."""
