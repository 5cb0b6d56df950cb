"""Queues in Redis: among all processes that use it, and after a crash of any of them.

A queue has three sorted sets of the numbers of its messages: all of them and those that are ready, in the order of
sending, and those that are due at some time: delayed or lent. Its dead letters have three of their own. A message is a
hash. An ordering key has a sorted set of its messages, the lane, and only the first of them is ready or due.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from octo.core.errors import Timeout
from octo.core.message import new_id
from octo.services import limits, values
from octo.services.grouping import BYTES
from octo.services.ports import Received, Rejected, Seen
from octo.services.redis.scripts import Script, micros
from octo.services.redis.store import Store

REMEMBERED = 120.0
"""Seconds for which the key of a message is remembered."""
UNREAD = 60.0
"""Seconds for which a reply is kept after its caller has given up, or has gone."""
_NOT_BEFORE = 0.01
"""Seconds between two tries of one receiver, at least."""

_SIDE = """
local function side(dead)
    local names = {}
    for _, each in ipairs({'all', 'ready', 'due'}) do
        names[each] = P .. (dead and ':dead-' or ':') .. each .. ':' .. ARGV[2]
    end
    return names
end
local function message(number) return P .. ':message:' .. number end
"""
_LANE = """
local function lane(order) return P .. ':lane:' .. #ARGV[2] .. ':' .. ARGV[2] .. ':' .. order end
"""
_HERE = f"{_SIDE}local here = side(ARGV[3] == '1')\n"
_MINE = f"""{_HERE}
local mine, place = ARGV[4], message(ARGV[4])
if redis.call('HGET', place, 'lent') ~= ARGV[5] then return false end
"""
"""The message of a receipt. What follows is done only if nobody else got it since."""
_GIVE = f"""{_LANE}
local function give(id, delay, value, order, ...)
    local live, made = side(false), number()
    redis.call('HSET', message(made), 'id', id, 'value', value, 'attempt', 0, ...)
    redis.call('ZADD', live.all, made, made)
    local first = true
    if order ~= '' then
        redis.call('HSET', message(made), 'order', order)
        redis.call('ZADD', lane(order), made, made)
        first = redis.call('ZCARD', lane(order)) == 1
    end
    if delay ~= '' then
        redis.call('ZADD', live.due, now + delay, made)
    elseif first then
        redis.call('ZADD', live.ready, made, made)
    end
    ring('queue ' .. ARGV[2])
end
"""
_LEAVE = f"""{_LANE}
local function leave()
    redis.call('ZREM', here.all, mine)
    redis.call('ZREM', here.due, mine)
    local order = redis.call('HGET', place, 'order')
    if order and redis.call('ZREM', lane(order), mine) == 1 then
        local following = redis.call('ZRANGE', lane(order), 0, 0)[1]
        if following then
            redis.call('ZADD', here.ready, following, following)
            ring('queue ' .. ARGV[2])
        end
    end
end
"""
"""The message leaves its place; the next of its lane is ready."""
_TELL = """
local function tell(field, text)
    local asked = redis.call('HMGET', place, 'asked', 'id')
    local reply = P .. ':reply:' .. asked[2]
    if asked[1] and redis.call('EXISTS', reply) == 1 then
        redis.call('HSET', reply, field, text)
        ring('reply ' .. asked[2])
    end
end
"""

_SEND = Script(f"""{_SIDE}{_GIVE}
give(ARGV[3], ARGV[4], ARGV[5], ARGV[6])
""")
_SEND_ONCE = Script(f"""{_SIDE}{_GIVE}
local sent = P .. ':sent:' .. #ARGV[2] .. ':' .. ARGV[2] .. ':' .. ARGV[7]
local known = redis.call('HMGET', sent, 'id', 'until')
if known[1] and tonumber(known[2]) > now then return known[1] end
give(ARGV[3], ARGV[4], ARGV[5], ARGV[6])
redis.call('HSET', sent, 'id', ARGV[3], 'until', now + ARGV[8])
redis.call('ZADD', ENDS, now + ARGV[8], sent)
return ARGV[3]
""")
_ASK = Script(f"""{_SIDE}{_GIVE}
local reply = P .. ':reply:' .. ARGV[3]
redis.call('HSET', reply, 'for', ARGV[2])
redis.call('ZADD', ENDS, now + ARGV[5], reply)
give(ARGV[3], '', ARGV[4], '', 'asked', 1)
""")
_REPLY = Script("""
local reply = P .. ':reply:' .. ARGV[2]
local found = redis.call('HMGET', reply, 'value', 'reason')
if not found[1] and not found[2] then return false end
redis.call('DEL', reply)
redis.call('ZREM', ENDS, reply)
return found
""")
_TAKE = Script(f"""{_HERE}
local most, size, taken = tonumber(ARGV[5]), 0, {{}}
local function lend(numbers, from)
    for _, each in ipairs(numbers) do
        if size > {2 * BYTES} then return end
        local place, lent = message(each), number()
        local attempt = redis.call('HINCRBY', place, 'attempt', 1)
        redis.call('HSET', place, 'lent', lent)
        redis.call('ZREM', from, each)
        redis.call('ZADD', here.due, now + ARGV[4], each)
        local held = redis.call('HMGET', place, 'id', 'value', 'asked', 'reason', 'order')
        size = size + #(held[2] or '')
        table.insert(taken, {{each, lent, attempt, unpack(held)}})
    end
end
lend(redis.call('ZRANGEBYSCORE', here.due, '-inf', now, 'LIMIT', 0, most), here.ready)
if #taken < most then lend(redis.call('ZRANGE', here.ready, 0, most - #taken - 1), here.ready) end
if #taken > 0 then return {{taken, false}} end
local soonest = redis.call('ZRANGE', here.due, 0, 0, 'WITHSCORES')[2]
return {{taken, soonest and soonest - now or false}}
""")
"""Those whose time has come first. At most about so many bytes: nobody else is served meanwhile."""
_EXTEND = Script(f"""{_MINE}
redis.call('ZADD', here.due, now + ARGV[6], mine)
return 1
""")
_ACK = Script(f"""{_MINE}{_TELL}{_LEAVE}
tell('value', ARGV[6])
leave()
redis.call('DEL', place)
return 1
""")
_GIVE_BACK = Script(f"""{_MINE}
redis.call('HDEL', place, 'lent')
redis.call('HINCRBY', place, 'attempt', ARGV[7])
redis.call('ZREM', here.due, mine)
if ARGV[6] == '' then
    redis.call('ZADD', here.ready, mine, mine)
else
    redis.call('ZADD', here.due, now + ARGV[6], mine)
end
ring('queue ' .. ARGV[2])
""")
_REJECT = Script(f"""{_MINE}{_TELL}{_LEAVE}
tell('reason', ARGV[6])
local dead = side(true)
redis.call('HSET', place, 'attempt', 0, 'reason', ARGV[6])
redis.call('HDEL', place, 'lent', 'asked')
leave()
redis.call('ZADD', dead.all, mine, mine)
redis.call('ZADD', dead.ready, mine, mine)
ring('queue ' .. ARGV[2])
return 1
""")
_BROWSE = Script(f"""{_HERE}
local seen = {{}}
for _, each in ipairs(redis.call('ZRANGEBYSCORE', here.all, '(' .. ARGV[4], '+inf', 'LIMIT', 0, ARGV[5])) do
    local held = redis.call('HMGET', message(each), 'attempt', 'id', 'value', 'asked', 'reason', 'order')
    held[4] = false
    table.insert(seen, {{each, '0', unpack(held)}})
end
return seen
""")
_COUNT = Script(f"""{_HERE}
return redis.call('ZCARD', here.all)
""")


class _Receipt(NamedTuple):
    """is_dead: whether it is of a dead letter. number: of the message. lent: of this lending; no other has it."""

    is_dead: bool
    number: int
    lent: int


class Lines:
    """See `octo.services.ports.Queues`."""

    keeps_order = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self.health = store.health

    # --- sending -------------------------------------------------------------------------------------------------

    async def send(self, queue: str, value: object, *, delay: float = 0.0, key: str = "", order: str = "") -> str:
        limits.sending(queue, value, delay, key, order)
        sent = new_id()
        given = (queue, sent, _delay(delay), values.sealed(value, queue, sent), order)
        if not key:
            await self._store.call(_SEND, *given)
            return sent
        first: bytes = await self._store.call(_SEND_ONCE, *given, key, micros(REMEMBERED))
        return first.decode()

    async def request(self, queue: str, value: object, *, timeout: float) -> object:
        limits.name(queue, "queue name")
        limits.size(value)
        limits.seconds(timeout, "timeout")
        asked = new_id()
        stored = values.sealed(value, queue, asked)
        try:
            with self._store.listening(f"reply {asked}") as bell:
                async with asyncio.timeout(timeout):
                    await self._store.call(_ASK, queue, asked, stored, micros(timeout + UNREAD))
                    reply, reason = await self._reply(asked, bell)
        except TimeoutError:
            raise Timeout(f"nobody on the queue {queue[:80]!r} replied within {timeout:g}s") from None
        if reason is not None:
            raise Rejected(_text(reason))
        return values.opened(reply, asked)

    async def _reply(self, asked: str, bell: Any) -> tuple[bytes | None, bytes | None]:
        """Take the reply once it is there."""
        while True:
            await bell.heard()
            if (found := await self._store.call(_REPLY, asked)) is not None:
                reply, reason = found
                return reply, reason

    # --- receiving -----------------------------------------------------------------------------------------------

    async def receive(
        self, queue: str, *, most: int = 1, lease: float = 30.0, wait: float = 0.0, dead: bool = False
    ) -> list[Received]:
        limits.name(queue, "queue name")
        limits.most(most)
        length = micros(limits.seconds(lease, "lease"))
        time = asyncio.get_running_loop().time
        patience = time() + limits.delay(wait, "wait")
        with self._store.listening(f"queue {queue}") as bell:
            while True:
                taken, left = await self._take(queue, dead, length, most)
                if taken or time() >= patience:
                    return [_received(queue, dead, each) for each in sorted(taken, key=_number)]
                until = patience if left is None else time() + max(left / 1_000_000, _NOT_BEFORE)
                await bell.heard(min(patience, until))

    async def _take(self, queue: str, dead: bool, lease: int, most: int) -> tuple[list[Any], int | None]:
        """Take messages, and the time until there may be some; a caller that is cancelled meanwhile has taken none."""
        answer = self._store.ask(_TAKE, queue, int(dead), lease, most)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            answer.add_done_callback(lambda answer: self._untake(queue, dead, answer))
            raise

    def _untake(self, queue: str, dead: bool, answer: asyncio.Future[Any]) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return
        for number, lent, *_ in answer.result()[0]:
            receipt = _Receipt(dead, int(number), int(lent))
            self._store.spawn(self._store.call(_GIVE_BACK, queue, *_argument(receipt), "", -1))

    # --- settling ------------------------------------------------------------------------------------------------

    async def extend(self, received: Received, lease: float) -> None:
        length = micros(limits.seconds(lease, "lease"))
        if not await self._settle(_EXTEND, received, length):
            raise received.lost()

    async def ack(self, received: Received, reply: object = None) -> None:
        limits.size(reply)
        stored = values.sealed(reply, received.id) if received.wants_reply else b""
        if not await self._settle(_ACK, received, stored):
            raise received.lost()

    async def nack(self, received: Received, *, delay: float = 0.0) -> None:
        await self._settle(_GIVE_BACK, received, _delay(limits.delay(delay, "delay")), 0)

    async def reject(self, received: Received, reason: str) -> None:
        if not await self._settle(_REJECT, received, reason.encode(errors="surrogatepass")):
            raise received.lost()

    async def _settle(self, script: Script, received: Received, *arguments: bytes | str | int) -> bool:
        receipt: _Receipt = received.receipt  # type: ignore[assignment]
        return bool(await self._store.call(script, received.queue, *_argument(receipt), *arguments))

    # --- looking -------------------------------------------------------------------------------------------------

    async def browse(self, queue: str, *, dead: bool = False, after: str = "", most: int = 100) -> Seen:
        limits.name(queue, "queue name")
        asked, behind = limits.most(most), limits.cursor(after)
        rows = await self._store.call(_BROWSE, queue, int(dead), behind, asked)
        seen = [_received(queue, dead, row)._replace(receipt=None) for row in rows]
        return Seen(seen, rows[-1][0].decode() if len(rows) == asked else "")

    async def count(self, queue: str, *, dead: bool = False) -> int:
        limits.name(queue, "queue name")
        return await self._store.call(_COUNT, queue, int(dead))  # type: ignore[no-any-return]


def _received(queue: str, dead: bool, row: list[Any]) -> Received:
    number, lent, attempt, message, stored, asked, reason, order = row
    sent = "" if message is None else message.decode()  # a hash that is gone is found to be damaged
    value = values.opened(stored, queue, sent)
    receipt, lane = _Receipt(dead, int(number), int(lent)), (order or b"").decode()
    return Received(queue, sent, value, int(attempt), receipt, _text(reason or b""), asked is not None, lane)


def _number(row: list[Any]) -> int:
    return int(row[0])


def _argument(receipt: _Receipt) -> tuple[int, int, int]:
    return int(receipt.is_dead), receipt.number, receipt.lent


def _delay(delay: float) -> int | str:
    return micros(delay) if delay else ""


def _text(reason: bytes) -> str:
    return reason.decode(errors="surrogatepass")
