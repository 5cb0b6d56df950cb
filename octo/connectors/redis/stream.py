"""A stream, read through a consumer group.

The group knows which consumer has which entry, for how long, and how often it was delivered. So nothing of that is kept
here: an entry whose consumer is gone is claimed once its lease is over, and one that shall be tried again later is left
as one whose lease is over then.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from functools import partial
from typing import Any

from octo.connectors.redis import codes
from octo.connectors.redis.commands import pairs, text
from octo.connectors.redis.link import Link, lost
from octo.connectors.redis.settings import TIMEOUT, Consume
from octo.core import wire
from octo.core.delivery import Delivery, settling
from octo.core.errors import OctoError, Permanent, Transient
from octo.core.lanes import Lanes
from octo.core.log import fields
from octo.core.message import Message

log = logging.getLogger("octo.redis")

WAIT = 1.0
"""Seconds that one read waits for a new entry."""
FORGOTTEN = 86_400_000
"""Milliseconds after which a consumer without entries is removed from its group."""

_TIDY = """
for _, each in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
    local about = {}
    for place = 1, #each, 2 do about[each[place]] = each[place + 1] end
    if about.pending == 0 and about.idle > tonumber(ARGV[2]) then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], about.name)
    end
end
"""
_PLACE = """
for _, each in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local about = {}
    for place = 1, #each, 2 do about[each[place]] = each[place + 1] end
    if about.name == ARGV[1] then return about['last-delivered-id'] end
end
return redis.error_reply('NOGROUP ' .. ARGV[1])
"""
"""The last entry that the group has handed out."""
_CLAIM = """
local found = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'COUNT', ARGV[5])
local claimed, gone = {}, 0
for place = 1, #found[2] do
    local entry = found[2][place]
    if entry then
        local pending = redis.call('XPENDING', KEYS[1], ARGV[1], entry[1], entry[1], 1)[1]
        table.insert(claimed, {entry[1], entry[2], pending and pending[4] or 1})
    else
        gone = gone + 1
    end
end
return {found[1], claimed, gone, found[3] or {}}
"""
"""Take over entries whose lease is over, with how often each was delivered. Those that the stream has no more are no
longer pending now, also if their lease is not over: how many there are (Redis 6), and which (from 7 on)."""
_MINE = """
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)[1]
if not pending or pending[2] ~= ARGV[2] then return 0 end
"""
"""Whether this consumer still has the entry."""
_KEEP = f"""{_MINE}
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID')
return 1
"""
_LEAVE = f"""{_MINE}
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'IDLE', ARGV[4], 'JUSTID')
return 1
"""
_DONE = """
local is_done = redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] == '1' then redis.call('XDEL', KEYS[1], ARGV[2]) end
return is_done
"""
_BURY = """
local found = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)
if #found == 0 and #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) > 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 4))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] == '1' then redis.call('XDEL', KEYS[1], ARGV[2]) end
return 1
"""
"""The entry stands in the other stream before it is acknowledged, in one act; unless somebody else has finished it.
What was removed from the stream meanwhile, with its group or alone, is kept: nobody else will."""
_WIDE = 7000
"""Names and values that a script can hand on. A longer letter is added first, and its entry acknowledged after it."""


_reached: dict[tuple[str, str, str], bytes] = {}
"""How far this process has read a group, by server, stream and group; it outlives the connection. A group that began
with what was new goes on there when it was removed: what came since is new, too."""


class Group:
    """The consumer group that a source reads, as one of its consumers."""

    def __init__(self, link: Link, settings: Consume) -> None:
        self.lease = settings.lease.total_seconds()
        self._link = link
        self._settings = settings
        self._consumer = f"octo-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._key = link.place, settings.stream, settings.group
        self._under_way: set[bytes] = set()
        self._cursor: bytes | str = "0-0"
        self._next_claim = 0.0

    # --- finding it ------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Make the group if it is missing, and let consumers be forgotten that are gone."""
        try:
            await self._prepare()
        except OctoError as error:
            raise lost(error) from error

    async def _prepare(self) -> None:
        given = self._settings
        if given.create != "never":
            try:
                await self._link.run("XGROUP", "CREATE", given.stream, given.group, await self._start(), "MKSTREAM")
                log.info("made a consumer group", extra=self._about(begins=given.create))
            except Permanent as error:
                if "BUSYGROUP" not in str(error):
                    raise
        if self._key not in _reached:
            _reached[self._key] = await self._script(_PLACE)
        await self._script(_TIDY, FORGOTTEN)

    async def _start(self) -> bytes | str:
        """Where the group begins if it must be made."""
        if self._settings.create == "all":
            return "0"
        if (reached := _reached.get(self._key)) is None:
            return "$"
        last = await self._link.run("XREVRANGE", self._settings.stream, "+", "-", "COUNT", 1)
        is_another = last and _number(last[0][0]) < _number(reached)  # a stream of the same name
        return "0" if is_another else reached

    # --- reading ---------------------------------------------------------------------------------------------------

    async def read(self, lanes: Lanes, *, anew: bool = False) -> None:
        """Put entries into the lanes while they have room, for ever. anew: begin with all that others have."""
        try:
            while anew:
                anew = await self._claim(lanes, await lanes.room(), 0)
            while True:
                await self._claim_sometimes(lanes, await lanes.room())
                await self._new(lanes, await lanes.room())
                lanes.alive()
        except OctoError as error:
            if self._under_way:  # if the group is gone, none of them would come again
                _reached[self._key] = _before(min(self._under_way, key=_number))
            raise lost(error) from error

    async def _claim_sometimes(self, lanes: Lanes, room: int) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._next_claim:
            more = await self._claim(lanes, room, round(self.lease * 1000))
            self._next_claim = now if more else now + min(WAIT, self.lease / 4)

    async def _claim(self, lanes: Lanes, room: int, idle: int) -> bool:
        """Take over entries that have not been touched for so many milliseconds; return whether there are more."""
        self._cursor, claimed, gone, which = await self._script(_CLAIM, self._consumer, idle, self._cursor, room)
        gone += sum(entry not in self._under_way for entry in which)
        if gone:
            log.error("entries are gone before they were worked on", extra=self._about(count=gone, code=codes.TRIMMED))
        for entry, flat, attempt in claimed:
            self._put(lanes, entry, flat, attempt)
        return self._cursor != b"0-0"

    async def _new(self, lanes: Lanes, room: int) -> None:
        given = self._settings
        reading = ("XREADGROUP", "GROUP", given.group, self._consumer, "COUNT", room, "BLOCK", round(WAIT * 1000))
        try:
            found = await self._link.run(*reading, "STREAMS", given.stream, ">")
        except Permanent as error:
            raise _no_group(error) from error
        for _, entries in found or ():
            for entry, flat in entries:
                self._put(lanes, entry, flat, 1)
                _reached[self._key] = entry

    def _put(self, lanes: Lanes, entry: bytes, flat: list[bytes], attempt: int) -> None:
        if entry not in self._under_way:  # else its lease was renewed too late, and nobody else has got it
            self._under_way.add(entry)
            lanes.put(self._delivery(entry, flat, attempt))

    def _delivery(self, entry: bytes, flat: list[bytes], attempt: int) -> Delivery:
        given = self._settings
        made, unfit = self._taken(entry.decode(), pairs(flat))
        return Delivery(
            made,
            settling(partial(self._done, entry), partial(self._again, entry), partial(self._away, entry, flat)),
            attempt=attempt,
            most_attempts=given.max_attempts,
            extend=partial(self._extend, entry),
            lease=self.lease,
            timeout=given.timeout.total_seconds() or TIMEOUT.total_seconds(),
            unfit=unfit,
        )

    def _taken(self, entry: str, found: list[tuple[bytes, bytes]]) -> wire.Taken:
        given = self._settings
        variables = {"stream": given.stream, "entry": entry}
        event_id = wire.identity("redis", self._link.place, given.stream, given.group, entry)
        named = [(str(text(name)), value) for name, value in found]
        bodies = [value for name, value in named if name == given.body_field]
        if bodies:
            headers = [(name, value) for name, value in named if name != given.body_field]
            return wire.taken(bodies[0], headers, given, variables, event_id=event_id)
        size, body, unfit = sum(len(value) for _, value in named), None, None
        if size <= given.max_body_bytes:
            body = {name: text(value) for name, value in named}
        else:
            unfit = Permanent(f"the entry has {size:,} bytes, at most {given.max_body_bytes:,} (`maxBodyBytes`)")
        return wire.Taken(Message(body, {**variables, "headers": {}}, event_id), unfit)

    # --- settling --------------------------------------------------------------------------------------------------

    async def _done(self, entry: bytes) -> None:
        await self._settled(entry, _DONE, entry, int(self._settings.delete))

    async def _again(self, entry: bytes, after: float) -> None:
        """Leave it, so that its lease is over after so many seconds; the whole lease at the latest."""
        await self._settled(entry, _LEAVE, self._consumer, entry, max(0, round((self.lease - after) * 1000)))

    async def _away(self, entry: bytes, flat: list[bytes], note: str) -> None:
        # As it came: the stream may not have it any more.
        letter: list[bytes | str] = [*flat]
        letter += ["dead-letter", note, "dead-letter-stream", self._settings.stream, "dead-letter-entry", entry]
        try:
            is_kept = await self._buried(entry, letter)
        finally:
            self._under_way.discard(entry)
        if is_kept:
            about = self._about(entry=entry.decode(), kept=self._settings.dead_stream)
            log.warning("dead letter kept", extra=about)

    async def _buried(self, entry: bytes, letter: list[bytes | str]) -> bool:
        """Keep the dead letter; whether it was still ours."""
        if len(letter) <= _WIDE:
            return bool(await self._script(_BURY, entry, int(self._settings.delete), *letter))
        await self._link.run("XADD", self._settings.dead_stream, "*", *letter)
        await self._script(_DONE, entry, int(self._settings.delete))
        return True

    async def _settled(self, entry: bytes, script: str, *arguments: bytes | str | int) -> None:
        try:
            await self._script(script, *arguments)
        finally:
            self._under_way.discard(entry)

    async def _extend(self, entry: bytes) -> None:
        if not await self._script(_KEEP, self._consumer, entry):
            raise Transient(f"the entry {entry.decode()} was held too long: another consumer may have it")

    async def _script(self, script: str, *arguments: bytes | str | int) -> Any:
        given = self._settings
        try:
            return await self._link.script(script, [given.stream, given.dead_stream], [given.group, *arguments])
        except Permanent as error:
            raise _no_group(error) from error

    def _about(self, **more: object) -> dict[str, object]:
        return fields(stream=self._settings.stream, group=self._settings.group, **more)


def _number(entry: bytes) -> tuple[int, int]:
    """What the server orders entries by."""
    time, _, count = entry.partition(b"-")
    return int(time), int(count)


def _before(entry: bytes) -> bytes:
    """The last id before this one."""
    time, count = _number(entry)
    return b"%d-%d" % ((time, count - 1) if count else (time - 1, 2**64 - 1))


def _no_group(error: Permanent) -> OctoError:
    """The error of a group that is not there may pass: somebody may make it. So may that of a server in a failover."""
    if "instance state changed" in str(error):  # it has become a replica while a read waited
        return Transient(str(error), code=codes.NOT_NOW)
    is_missing = any(word in str(error) for word in ("NOGROUP", "UNBLOCKED", "no such key"))
    return Transient(str(error), code=codes.NO_GROUP) if is_missing else error
