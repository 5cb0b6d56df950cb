"""circuit-breaker: do not ask what has failed again and again.

closed: calls go through, failures in a row are counted. open: calls fail at once. half open: after a time one call goes
through, and its outcome decides.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from weakref import WeakKeyDictionary

from pydantic import Field

from octo.core.block import Block, Pool, Site, block
from octo.core.durations import Duration
from octo.core.errors import OctoError, Overloaded
from octo.core.expressions import Expr
from octo.core.flow import Failure, Outcome
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Always, Steps
from octo.core.state import State

MOST_KEYS = 10_000
"""Keys whose state is known at once; the oldest is forgotten first."""


class CircuitBreaker(Settings):
    process: Annotated[Steps, Always()]
    """The chain that calls the other system."""
    failures: int = Field(default=5, ge=1)
    """After so many failures in a row it opens. Only errors count that may pass (`vars.error.retryable`): that a system
    refuses a request is no sign that it is down."""
    open_for: Duration = timedelta(seconds=30)
    """How long it stays open: calls fail at once with `Overloaded`, which says when to come back. Then one message
    tries it; the others still fail."""
    key: Expr[str] | None = None
    """Messages with different keys have breakers of their own, e.g. `vars.region`."""

    def shape_after(self, before: State) -> State:
        before.of(self.key)
        return before.chain(self.process)


@dataclass(slots=True)
class _Breaker:
    """failed: failures in a row. opened: when it opened, None if it is closed. is_tried: whether a message tries it."""

    failed: int = 0
    opened: float | None = None
    is_tried: bool = False


_breakers: WeakKeyDictionary[Pool, dict[tuple[str, str], _Breaker]] = WeakKeyDictionary()
"""For each flow, by block and key."""


@block("circuit-breaker")
def circuit_breaker(settings: CircuitBreaker, message: Message, site: Site) -> Block[Outcome]:
    """Run a chain, unless it has failed so often that it would fail again.

    The state belongs to this process, and begins anew with a reload.
    """
    breakers = _breakers.setdefault(site.pool, {})
    name = (site.address, "" if settings.key is None else settings.key(message))
    breaker = breakers.get(name) or _added(breakers, name)
    _check(settings, breaker, site)
    is_trial = breaker.is_tried = breaker.opened is not None
    try:
        outcome: Outcome = yield settings.process(message)
    except Failure as failure:
        if isinstance(failure.cause, OctoError) and failure.cause.retryable:
            _failed(settings, breaker)
        else:
            _answered(breaker, is_trial=is_trial)
        raise
    except BaseException:
        if is_trial:
            breaker.is_tried = False  # who was cancelled has found out nothing
        raise
    _answered(breaker, is_trial=is_trial)
    return outcome


def _added(breakers: dict[tuple[str, str], _Breaker], name: tuple[str, str]) -> _Breaker:
    if len(breakers) >= MOST_KEYS:
        del breakers[next(iter(breakers))]
    breakers[name] = breaker = _Breaker()
    return breaker


def _check(settings: CircuitBreaker, breaker: _Breaker, site: Site) -> None:
    """Raise `Overloaded` while the breaker is open."""
    if breaker.opened is None:
        return
    left = breaker.opened + settings.open_for.total_seconds() - asyncio.get_running_loop().time()
    if left > 0 or breaker.is_tried:
        raise Overloaded(f"{site.label} is open after {breaker.failed} failures in a row", retry_after=max(left, 1.0))


def _failed(settings: CircuitBreaker, breaker: _Breaker) -> None:
    breaker.failed += 1
    breaker.is_tried = False
    if breaker.failed >= settings.failures:
        breaker.opened = asyncio.get_running_loop().time()


def _answered(breaker: _Breaker, *, is_trial: bool) -> None:
    """Close it. An answer to a call that began before it opened says nothing of the time since."""
    if is_trial or breaker.opened is None:
        breaker.failed, breaker.opened, breaker.is_tried = 0, None, False
