"""throttle: let messages pass at most at a rate.

The algorithm is GCRA (ITU-T I.371): of each key only the time is kept at which its bucket would be full again. A
message may pass while that is at most `burst` intervals ahead.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from datetime import timedelta
from typing import Annotated, NamedTuple
from weakref import WeakKeyDictionary, WeakValueDictionary

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from octo.core import clock, deadline
from octo.core.block import Pool, Site, block
from octo.core.durations import Duration
from octo.core.errors import Overloaded
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Advanced, Settings
from octo.core.state import State
from octo.services.ports import Conflict, KeyValue

NAMESPACE = "throttle"
MOST_KEYS = 100_000
"""Keys whose rate is known at once; the one that was used longest ago is forgotten first."""
ATTEMPTS = 10
"""How often the shared state is read again because another process was faster."""
JUMP = 5.0
"""Seconds by which the clocks of processes may differ. What is further ahead was written before a clock went back."""
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_RATE = re.compile(r"(\d+(?:\.\d+)?) */ *([smhd])", re.ASCII)


class Rate(NamedTuple):
    """So many messages in so many seconds."""

    messages: float
    seconds: float

    @property
    def interval(self) -> float:
        return self.seconds / self.messages

    def __str__(self) -> str:
        return f"{self.messages:g} in {self.seconds:g}s"


def _rate(value: object) -> object:
    found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or not float(found[1]):
        raise PydanticCustomError("rate", "not a rate; write e.g. 100/s, 30/m or 1000/h")
    return Rate(float(found[1]), _UNITS[found[2]])


class Throttle(Settings):
    rate: Annotated[Rate, BeforeValidator(_rate), WithJsonSchema({"type": "string", "examples": ["100/s", "30/m"]})] = (
        Field(examples=["100/s", "30/m"])
    )
    """How many messages may pass in a second, minute, hour or day (`s`, `m`, `h`, `d`), e.g. `100/s`. They are spread
    evenly over the time."""
    burst: int = Field(default=1, ge=1)
    """How many may pass at once after a pause."""
    key: Expr[str] | None = None
    """Messages with different keys do not slow each other down, e.g. `vars.customer`. Without it all messages share the
    rate."""
    wait: Duration = timedelta(seconds=30)
    """How long a message may wait for its turn; 0 does not wait. One that would wait longer fails at once with
    `Overloaded`, which says when to come back."""
    shared: Annotated[bool, Advanced] = False
    """Whether all processes that share the services share the rate, too. Their clocks should agree."""

    def shape_after(self, before: State) -> State:
        before.of(self.key)
        return before


_full_at: WeakKeyDictionary[Pool, OrderedDict[tuple[str, str], float]] = WeakKeyDictionary()
"""For each flow, by block and key, when the bucket will be full."""
_locks: WeakKeyDictionary[KeyValue, WeakValueDictionary[str, asyncio.Lock]] = WeakKeyDictionary()
"""For each store, by block and key, what the messages of this process wait for; it goes with the last of them."""


@block("throttle")
async def throttle(settings: Throttle, message: Message, site: Site, store: KeyValue) -> Message:
    """Let messages pass at most at a rate: each waits for its turn, then goes on unchanged.

    A message whose turn comes after its deadline fails at once. It keeps its worker while it waits.
    """
    key = "" if settings.key is None else settings.key(message)
    longest = settings.wait.total_seconds()
    left = deadline.left()
    if left is not None:
        longest = min(longest, left.seconds)
    if settings.shared:
        wait = await _reserve_shared(settings, f"{site.address}/{key}", longest, store)
    else:
        wait = _reserve(settings, (site.address, key), longest, site.pool)
    if wait > 0:
        await asyncio.sleep(wait)
    return message


class _Turn(NamedTuple):
    """wait: seconds until the message may pass. full_at: when the bucket is full again if it does."""

    wait: float
    full_at: float


def _turn(settings: Throttle, full_at: float, now: float, longest: float) -> _Turn:
    """The turn of the next message. Raises `Overloaded` if it comes later than in `longest` seconds."""
    interval = settings.rate.interval
    base = max(full_at, now)
    wait = max(0.0, base - now - (settings.burst - 1) * interval)
    if wait > longest:
        raise Overloaded(f"the rate of {settings.rate} is used up", retry_after=wait)
    return _Turn(wait, base + interval)


def _reserve(settings: Throttle, name: tuple[str, str], longest: float, pool: Pool) -> float:
    full = _full_at.setdefault(pool, OrderedDict())
    turn = _turn(settings, full.get(name, 0.0), asyncio.get_running_loop().time(), longest)
    full[name] = turn.full_at
    full.move_to_end(name)
    if len(full) > MOST_KEYS:
        full.popitem(last=False)
    return turn.wait


async def _reserve_shared(settings: Throttle, name: str, longest: float, store: KeyValue) -> float:
    """The same, by versions: of two processes that read the same state only one writes."""
    locks = _locks.setdefault(store, WeakValueDictionary())
    lock = locks.setdefault(name, asyncio.Lock())
    async with lock:  # the messages of this process one after another: they would only take the turns of one another
        for _ in range(ATTEMPTS):
            entry = await store.get(NAMESPACE, name)
            now = clock.now_ns() / 1e9
            turn = _turn(settings, _full(settings, None if entry is None else entry.value, now), now, longest)
            version = 0 if entry is None else entry.version
            try:
                await store.put(NAMESPACE, name, turn.full_at, version=version, ttl=turn.full_at - now + 1.0)
            except Conflict:
                continue
            return turn.wait
    raise Overloaded("too many processes ask for the shared rate at once")


def _full(settings: Throttle, kept: object, now: float) -> float:
    """When the bucket is full, 0.0 if that is not known. No message makes it later than its own turn allows."""
    latest = now + settings.wait.total_seconds() + settings.burst * settings.rate.interval + JUMP
    return kept if isinstance(kept, float) and kept <= latest else 0.0
