"""How long a topic keeps its events, and which nobody needs."""

from __future__ import annotations

AGE = 3_600_000_000
"""Microseconds after which an event is gone that no durable subscriber needs."""
TRIM = """
local function trim(topic, kept, durable)
    local last = tonumber(redis.call('GET', P .. ':topic:' .. topic) or 0)
    local needless = last - kept
    local behind = redis.call('ZRANGE', P .. ':subscribers:' .. topic, 0, 0, 'WITHSCORES')[2]
    if behind then needless = math.min(needless, math.max(tonumber(behind), last - durable)) end
    redis.call('XTRIM', P .. ':events:' .. topic, 'MINID', math.max(needless, 0) + 1)
end
"""
