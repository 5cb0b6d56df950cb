"""cache-scope and invalidate-cache: run a chain only if nobody has done so lately.

What a chain answers is kept under a hash of the key, for all flows. While one message runs the chain, others of the
same process with the same key wait for its answer. An answer that is forgotten while its chain runs is not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from octo.core.block import Block, block
from octo.core.durations import Duration
from octo.core.errors import OctoError
from octo.core.expressions import Expr
from octo.core.flow import Outcome
from octo.core.log import fields
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Steps
from octo.core.state import State
from octo.services.ports import KeyValue

log = logging.getLogger("octo.cache")

NAMESPACE = "cache"


class CacheScope(Settings):
    key: Expr[str]
    """What the answer depends on, e.g. `"user/" + vars.id`. All flows share their keys."""
    ttl: Duration = timedelta(seconds=60)
    """How long an answer is used; 0 for ever."""
    body: Steps
    """The chain. It runs when there is no answer under the key."""

    def shape_after(self, before: State) -> State:
        before.of(self.key)
        return before.chain(self.body).either(before.with_body())


class InvalidateCache(Settings):
    key: Expr[str]
    """The key of `cache-scope` whose answer is forgotten."""

    def shape_after(self, before: State) -> State:
        before.of(self.key)
        return before


class _Answer(NamedTuple):
    body: object
    raw: bool


class _Flight:
    """One run of a chain, whose answer others wait for.

    answer: None if there is none. waits: the runs whose answers this one needs. is_forgotten: whether the key was
    invalidated since it began.
    """

    def __init__(self) -> None:
        self.answer: asyncio.Future[_Answer | None] = asyncio.get_running_loop().create_future()
        self.waits: list[_Flight] = []
        self.is_forgotten = False

    def needs(self, others: tuple[_Flight, ...]) -> bool:
        """Whether it is one of the others, or waits for one of them."""
        return self in others or any(each.needs(others) for each in self.waits)


_flights: WeakKeyDictionary[Any, dict[str, list[_Flight]]] = WeakKeyDictionary()
"""For each store, the runs under way by key."""
_own: ContextVar[tuple[_Flight, ...]] = ContextVar("octo.cache", default=())
"""The runs that the work at hand is a part of. Whoever waited for one of them would wait for itself."""


@block("cache-scope")
def cache_scope(settings: CacheScope, message: Message, store: KeyValue) -> Block[Outcome]:
    """Take the body from the cache; if it has none, run a chain and keep the body that it ends with.

    Variables are not kept: after an answer from the cache they are as before the block. A chain that drops the message,
    stops, or fails leaves nothing in the cache, and messages that wait for it run the chain themselves. Without the
    store, or with an answer of more than 1 MiB, the chain runs every time.
    """
    key = _hashed(settings.key(message))
    answer: _Answer | None = yield _kept(store, key)
    flight = next(iter(_flights.setdefault(store, {}).get(key, ())), None)
    if answer is None and flight is not None and not flight.needs(_own.get()):
        answer = yield _awaited(flight)
    if answer is not None:
        return message.with_body(answer.body, raw=answer.raw)
    # Whoever waited in vain runs the chain itself: to wait for the next one would take even longer.
    return (yield from _run(settings, message, store, key))


def _run(settings: CacheScope, message: Message, store: KeyValue, key: str) -> Block[Outcome]:
    """Run the chain while others wait for the answer."""
    answer: _Answer | None = None
    flight = _Flight()
    running = _flights[store].setdefault(key, [])
    running.append(flight)
    token = _own.set((*_own.get(), flight))
    try:
        outcome: Outcome = yield settings.body(message)
        if isinstance(outcome, Message):
            answer = _Answer(outcome.body, outcome.raw)
            if not flight.is_forgotten:
                yield _keep(store, key, answer, settings.ttl)
        return outcome
    finally:
        _own.reset(token)
        flight.answer.set_result(answer)
        if not flight.is_forgotten:
            running.remove(flight)
            if not running:
                del _flights[store][key]


async def _awaited(flight: _Flight) -> _Answer | None:
    own = _own.get()
    for each in own:
        each.waits.append(flight)
    try:
        return await asyncio.shield(flight.answer)
    finally:
        for each in own:
            each.waits.remove(flight)


@block("invalidate-cache", guarantee="at least once", steps=("send", "confirm"), idempotent="always")
async def invalidate_cache(settings: InvalidateCache, message: Message, store: KeyValue) -> Message:
    """Forget the answer under a key of `cache-scope`; none is no error. The message passes through.

    What a chain of this process answers that has begun before is not kept, and no message that comes later waits for
    it.
    """
    key = _hashed(settings.key(message))
    for flight in _flights.get(store, {}).pop(key, ()):
        flight.is_forgotten = True
    await store.delete(NAMESPACE, key)
    return message


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


async def _kept(store: KeyValue, key: str) -> _Answer | None:
    entry = await _without_errors(lambda: store.get(NAMESPACE, key))
    kept = None if entry is None else entry.value
    return _Answer(kept["body"], bool(kept["raw"])) if isinstance(kept, dict) and "body" in kept else None


async def _keep(store: KeyValue, key: str, answer: _Answer, ttl: timedelta) -> None:
    value = {"body": answer.body, "raw": answer.raw}
    await _without_errors(lambda: store.put(NAMESPACE, key, value, ttl=ttl.total_seconds() or None))


async def _without_errors(work: Callable[[], Awaitable[Any]]) -> Any:
    """A cache that does not work costs time and fails nothing."""
    try:
        return await work()
    except OctoError as error:
        log.warning("the cache does not work", extra=fields(error=str(error)))
        return None
