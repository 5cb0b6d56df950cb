"""Groups of messages in the store: how they grow, when they are complete, and who releases them.

A group is one entry of the key-value service, which is written over the version that was read. An entry has the group
that is open, and those that were released and whose message has not ended. Who releases a group holds a lease from
before the entry says so until the message has ended. So a group is released once while its process lives, and again if
that process was killed.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, NamedTuple

from octo.core import clock
from octo.core.errors import OctoError, Permanent
from octo.core.message import Message, new_id
from octo.expr import Timestamp
from octo.services import limits
from octo.services.leasing import held
from octo.services.ports import Conflict, Entry, KeyValue, Lease, Leases

NAMESPACE, ENDED = "aggregate", "aggregate-ended"
LEASE = 30.0
"""Seconds after which another process releases what a process that was killed was about to."""
REMEMBERED = timedelta(hours=1).total_seconds()
"""Seconds for which a complete group of `split` is remembered: an element that comes again begins no new group."""
PLACES = 100_000
"""A list has at most so many places for elements that know theirs; further ones count as unnumbered."""
ATTEMPTS = 8
"""How often a write is tried when others write the same group."""


@dataclass(frozen=True)
class Group:
    """A value: changes return a new one.

    id: tells groups of one key apart; a new one when it is released, so that nobody else holds that lease.
    items: with `append`, `[origin, index, body]` of each message; the index is -1 and the origin "" where the message
        has no number.
    acc, seen: with `expression`, the value so far, and by origin the indexes that it has: begins and ends of ranges,
        because these are few where each message has its number.
    size: how many messages make it complete, -1 if unknown. first, last: when its first and last message came, in
        nanoseconds since the epoch. correlation: correlation id of the first message.
    reason: why it was released, "" while it is open.
    """

    key: str
    id: str = field(default_factory=new_id)
    items: list[list[Any]] = field(default_factory=list)
    acc: object = None
    seen: dict[str, list[int]] = field(default_factory=dict)
    count: int = 0
    size: int = -1
    first: int = 0
    last: int = 0
    correlation: str = ""
    reason: str = ""

    def has(self, origin: str, index: int) -> bool:
        """Whether the message of that number is in it."""
        if bisect_right(self.seen.get(origin, ()), index) % 2:
            return True
        return index >= 0 and any(each[0] == origin and each[1] == index for each in self.items)

    def with_item(self, origin: str, index: int, body: object, message: Message) -> Group:
        """The group with one more message, or with this one in place of the one of the same number."""
        item = [origin, index, body]
        if self.has(origin, index):
            items = [item if each[0] == origin and each[1] == index else each for each in self.items]
            return replace(self, items=items, last=clock.now_ns())
        return replace(self._grown(message), items=[*self.items, item])

    def with_value(self, origin: str, index: int, acc: object, message: Message) -> Group:
        """The group with one more message, which has made this value of it."""
        seen = self.seen if index < 0 else {**self.seen, origin: _with(self.seen.get(origin, []), index)}
        return replace(self._grown(message), acc=acc, seen=seen)

    def _grown(self, message: Message) -> Group:
        now = clock.now_ns()
        correlation = self.correlation if self.count else message.correlation_id
        return replace(self, count=self.count + 1, first=self.first or now, last=now, correlation=correlation)

    def listed(self) -> list[object]:
        """The bodies: of the elements of one `split` in their places, gaps null; of others in order of arrival."""
        places = [each[1] for each in self.items]
        if any(each[0] != self.key for each in self.items) or not all(0 <= place < PLACES for place in places):
            return [each[2] for each in self.items]
        bodies: list[object] = [None] * (max(places, default=-1) + 1)
        for _, place, body in self.items:
            bodies[place] = body
        return bodies

    def view(self, acc: object) -> dict[str, object]:
        """The group as expressions see it, `vars.group`."""
        now = clock.now_ns()
        return {
            "key": self.key,
            "count": self.count,
            "size": self.size,
            "acc": acc,
            "firstAt": Timestamp(self.first or now),
            "lastAt": Timestamp(self.last or now),
            "ageMs": (now - (self.first or now)) // 1_000_000,
            "idleMs": (now - (self.last or now)) // 1_000_000,
        }

    @property
    def origins(self) -> set[str]:
        """The groups of `split` that its messages come from."""
        return {each[0] for each in self.items if each[0]} | self.seen.keys()


def _with(ranges: list[int], index: int) -> list[int]:
    """The ranges with one more number, which is in none of them. Those that it joins become one."""
    at = bisect_right(ranges, index)
    before, after = ranges[:at], ranges[at:]
    if before and before[-1] == index:
        before.pop()
    else:
        before.append(index)
    if after and after[0] == index + 1:
        return [*before, *after[1:]]
    return [*before, index + 1, *after]


class State(NamedTuple):
    """What stands under the key of a group. released: groups whose message has not ended."""

    group: Group | None = None
    released: tuple[Group, ...] = ()
    version: int = 0

    @classmethod
    def of(cls, entry: Entry | None) -> State:
        if entry is None or not isinstance(entry.value, dict):
            return cls(version=0 if entry is None else entry.version)
        group, released = entry.value["group"], entry.value["released"]
        return cls(Group(**group) if group else None, tuple(Group(**each) for each in released), entry.version)

    def value(self) -> dict[str, object]:
        group = None if self.group is None else asdict(self.group)
        return {"group": group, "released": [asdict(each) for each in self.released]}


class Groups:
    """The groups of one block. place: the prefix of their keys."""

    def __init__(self, store: KeyValue, leases: Leases, place: str) -> None:
        self._store = store
        self._leases = leases
        self._place = f"{place}/"

    def name(self, key: str) -> str:
        return self._place + hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()

    async def read(self, name: str) -> State:
        return State.of(await self._store.get(NAMESPACE, name))

    async def write(self, name: str, state: State) -> None:
        """Write over the version of the state. Raises `Conflict`, and `Permanent` if it has become too large."""
        if state.group is None and not state.released:
            await self._store.delete(NAMESPACE, name, version=state.version)
            return
        value = state.value()
        try:
            limits.size(value)
        except Permanent as error:
            group = state.group or state.released[-1]
            raise Permanent(
                f"the group {group.key[:80]!r} cannot be kept: {error}. Release it earlier, keep less of each message "
                "(`strategy: expression`), or keep bodies with `object-write` and aggregate their keys",
                code=error.code,
            ) from None
        await self._store.put(NAMESPACE, name, value, version=state.version)

    async def changed(self, name: str, change: Callable[[State], State]) -> None:
        """Read, change and write until no other has written in between. Raises `Conflict` after many attempts."""
        for attempt in range(1, ATTEMPTS + 1):
            state = await self.read(name)
            try:
                await self.write(name, change(state))
            except Conflict:
                if attempt == ATTEMPTS:
                    raise
                await pause(attempt)
            else:
                return

    async def names(self, most: int | None = None) -> list[str]:
        """The names of the groups, at most so many."""
        found: list[str] = []
        after = ""
        while most is None or len(found) < most:
            page = await self._store.list(NAMESPACE, self._place, after=after, most=1000)
            found += page.names
            after = page.after
            if not after:
                break
        return found if most is None else found[:most]

    # --- groups of `split` that are complete ---------------------------------------------------------------------

    async def has_ended(self, origin: str) -> bool:
        """Whether the elements of this group of `split` were released completely, a short while ago."""
        return bool(origin) and await self._store.get(ENDED, self.name(origin)) is not None

    # --- releasing -----------------------------------------------------------------------------------------------

    async def claim(self, group: Group) -> Lease | None:
        """The right to release the group; None if another has it."""
        return await self._leases.acquire(f"octo/aggregate/{group.id}", LEASE)

    async def give_up(self, lease: Lease) -> None:
        with suppress(OctoError):  # it ends by itself
            await self._leases.release(lease)

    @asynccontextmanager
    async def releasing(self, name: str, group: Group, lease: Lease) -> AsyncIterator[None]:
        """Hold the lease while the message of the group is under way; afterwards nothing is kept of the group."""
        async with held(self._leases, lease, LEASE):
            yield
            for origin in group.origins if group.reason == "size" else ():
                await self._store.put(ENDED, self.name(origin), True, ttl=REMEMBERED)
            await self.changed(
                name,
                lambda state: state._replace(released=tuple(each for each in state.released if each.id != group.id)),
            )


async def pause(attempt: int) -> None:
    """Let others write: longer each time, a part of it by chance."""
    await asyncio.sleep(0.005 * attempt * (1 + random.random()))  # noqa: S311  no secret
