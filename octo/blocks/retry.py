"""retry: run a chain again when it fails for a reason that may pass."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from octo.blocks.restored import restored
from octo.core import deadline
from octo.core.backoff import Backoff
from octo.core.block import Block, Site, block
from octo.core.durations import Duration
from octo.core.errors import (
    Bug,
    Disconnected,
    NotConnected,
    OctoError,
    Overloaded,
    Permanent,
    Timeout,
    Transient,
)
from octo.core.expressions import Expr
from octo.core.flow import Failure, Outcome
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Afterwards, Always, Steps
from octo.core.state import State
from octo.expr import ExprError, nearest

KINDS: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (Transient, Timeout, NotConnected, Disconnected, Overloaded, Permanent, ExprError, Bug)
}
_CODE = re.compile(r"[A-Z][A-Z0-9]*-[A-Z]*\d+", re.ASCII)


def _known(name: str | int) -> str | int:
    if isinstance(name, int):
        if not 100 <= name <= 599:
            raise ValueError(f"{name} is no HTTP status")
        return name
    if name.isascii() and name.isdigit():
        return _known(int(name))
    if name not in KINDS and not _CODE.fullmatch(name):
        guess = nearest(name, KINDS)
        text = f"no kind of error is named `{name}`; " + (f"did you mean `{guess}`? " if guess else "")
        raise ValueError(f"{text}known: {', '.join(KINDS)}, a code such as OCTO-R121, or an HTTP status such as 503")
    return name


def _listed(value: object) -> object:
    """One error may be written without the list."""
    return [value] if isinstance(value, str | int) else value


class Retry(Settings):
    process: Annotated[Steps, Always()]
    """The chain. Each attempt starts from the message that came in."""
    max_attempts: int = Field(default=3, ge=1)
    """At most this many attempts."""
    min_backoff: Duration = timedelta(milliseconds=200)
    """The first wait; each further one is `multiplier` times as long."""
    max_backoff: Duration = timedelta(seconds=30)
    """The longest wait, also when the other system asks for a longer one (`Retry-After`)."""
    multiplier: float = Field(default=2.0, ge=1, le=100)
    """How much longer each wait is than the one before; 1 keeps them equal."""
    jitter: float = Field(default=0.5, ge=0, le=1)
    """The share of a wait that chance may take away, so that many callers do not come back at once."""
    on: Annotated[list[Annotated[str | int, AfterValidator(_known)]] | None, BeforeValidator(_listed)] = Field(
        default=None, min_length=1, examples=[["Timeout", "NotConnected"], ["OCTO-R121", 503]]
    )
    """The errors to try again after: kinds (`Transient` with its kinds `Timeout`, `NotConnected`, `Disconnected` and
    `Overloaded`; `Permanent`, `ExprError`, `Bug`), codes (`vars.error.code`) or statuses (`vars.error.status`). Without
    `on` and `when`: those that may pass (`vars.error.retryable`)."""
    when: Annotated[Expr[bool] | None, Afterwards()] = None
    """Try again only if this is true, e.g. `vars.error.status == 409`; it sees `vars.error` and the message as it was
    when the attempt failed."""
    as_: str = Field("attempt", alias="as", min_length=1)
    """Name of the variable that holds the number of the attempt, from 1."""

    @model_validator(mode="after")
    def _waits_grow(self) -> Self:
        if self.min_backoff > self.max_backoff:
            raise ValueError(
                f"`minBackoff` ({self.min_backoff.total_seconds():g}s) is longer than "
                f"`maxBackoff` ({self.max_backoff.total_seconds():g}s)"
            )
        return self

    @property
    def repeated(self) -> Steps | None:
        """The chain whose calls may be made twice; None if it is repeated only when nothing was called."""
        never_called = self.on is not None and set(self.on) == {NotConnected.__name__}
        return None if never_called or self.max_attempts == 1 else self.process

    def shape_after(self, before: State) -> State:
        before.failed().of(self.when)
        return before.without_var(self.as_).chain(self.process).without_var(self.as_)

    def pause(self, cause: Exception, attempt: int) -> float:
        """Return the seconds to wait after an attempt: longer than usual if the other system asks for it."""
        longest = self.max_backoff.total_seconds()
        usual = Backoff(self.min_backoff.total_seconds(), longest, self.jitter, factor=self.multiplier).pause(attempt)
        asked = cause.retry_after if isinstance(cause, Transient) else None
        return usual if asked is None else max(usual, min(asked, longest))

    def covers(self, cause: Exception) -> bool:
        """Whether an error is one of those to try again after."""
        if self.on is None:
            return self.when is not None or (isinstance(cause, OctoError) and cause.retryable)
        return any(_is(cause, each) for each in self.on)


def _is(cause: Exception, name: str | int) -> bool:
    if isinstance(name, int):
        return isinstance(cause, OctoError) and cause.status == name
    if not isinstance(cause, OctoError | ExprError):
        return name in (Bug.__name__, Bug.code)
    return isinstance(cause, KINDS[name]) if name in KINDS else cause.code == name


@block("retry")
def retry(settings: Retry, message: Message, site: Site) -> Block[Outcome]:
    """Run a chain; if it fails for a reason that may pass, run it again from the message that came in.

    A drop or a stop inside counts as success. No wait begins that could not end before the deadline of the flow, or of
    a `timeout` around it. The last error is raised, with the number of attempts. Whatever the chain calls may happen
    more than once: give each call a key that stays the same, made before this block.
    """
    attempt, most = 1, settings.max_attempts
    while True:
        try:
            outcome: Outcome = yield settings.process(message.with_var(settings.as_, attempt))
        except Failure as failure:
            if attempt == most or not _again(settings, failure, site):
                if attempt > 1:
                    failure.inside(f"attempt {attempt} of {most}")
                raise
            last = failure
        else:
            return restored(settings.as_, message, outcome)
        left: deadline.Left | None = yield _rest(settings.pause(last.cause, attempt))
        if left is not None:
            raise last.inside(f"attempt {attempt} of {most}, with no time for another ({left})")
        del last  # its traceback refers to this frame, and full collections of such circles hardly ever run
        attempt += 1


def _again(settings: Retry, failure: Failure, site: Site) -> bool:
    if not settings.covers(failure.cause):
        return False
    try:
        return settings.when is None or settings.when(failure.recovery("" if site.label == "retry" else site.label))
    except ExprError as unclear:
        unclear.message += f" (asked after {failure})"  # why there was anything to ask
        raise


async def _rest(pause: float) -> deadline.Left | None:
    """Wait; or return at once how much time is left, if that is not enough."""
    left = deadline.left()
    if left is not None and left.seconds <= pause:
        return left
    await asyncio.sleep(pause)
    return None
