"""Deliveries: messages whose source gets to know what became of them.

A source yields a `Delivery`; the engine runs it through the flow and calls `settle` with one verdict:

    async def settle(verdict: Verdict) -> None:
        match verdict:
            case Done() | Drop():
                await job.acknowledge()
            case Retry(after):
                await job.release(after)
            case Reject(reason):
                await job.bury(reason)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from octo.core.errors import Permanent
from octo.core.flow import Drop
from octo.core.letter import Letter
from octo.core.message import Message


class Done(NamedTuple):
    """The flow has completed. message: what came out of it."""

    message: Message


class Retry(NamedTuple):
    """The message may succeed later.

    after: seconds to wait before it is delivered again, 0.0 when the engine stopped before the flow had finished.
    """

    after: float
    error: Exception


class Reject(NamedTuple):
    """The message would fail again, or has been tried often enough: the source puts it where a person looks.

    reason: what failed, and in which block; for a person, without secrets. error: what the block raised.
    letter: the same and more, to be kept with the message (`octo dlq`). A source that keeps one text keeps `note`.
    is_kept: the flow has a `deadLetter`, and the message is safe there: the source removes it. One that does not know
        this, and puts it away as well, only keeps it twice.
    """

    reason: str
    error: Exception
    letter: Letter | None = None
    is_kept: bool = False

    @property
    def note(self) -> str:
        """The letter as a text, the reason if there is none."""
        return self.reason if self.letter is None else self.letter.as_text()


Verdict = Done | Drop | Retry | Reject
"""What becomes of a delivery. `Drop`: the flow dropped the message on purpose, which is a success."""


class Idle(NamedTuple):
    """Yielded by a source, instead of a delivery, to say that it works and has no message; see `source(silence=)`."""


class Delivery:
    """A message on its way in, and how its source gets the verdict.

    settle: awaited with the verdict, exactly once, also when the engine stops. None where the source cannot
        acknowledge: its page says at-most-once.
    attempt: how often this message has been delivered, this time included.
    most_attempts: a failure at this attempt is `Reject` instead of `Retry`. A later attempt, of a message whose
        earlier attempts ended with the process, is rejected without running. None for no limit.
    lease: seconds after which the sender gives the message to another consumer.
    timeout: seconds that the flow may take, its place in line included; then it is cancelled, which is a `Timeout`.
        None for no limit.
    extend: renews the lease; awaited after every half of it while the message is under way.
    is_awaited: whether somebody waits for the outcome; then a flow with `durability: memory` settles after it, too.
    before: the letter with which the message was among the dead letters, if it was replayed.
    unfit: what is wrong with the message, so that no flow could use it, such as a body that cannot be read. It is
        rejected without running; the flow's `deadLetter` gets it as any other. None if nothing is.
    """

    __slots__ = (
        *("attempt", "before", "extend", "is_awaited", "lease", "message", "most_attempts", "settle", "timeout"),
        "unfit",
    )

    def __init__(  # noqa: PLR0913  each is named by its caller
        self,
        message: Message,
        settle: Callable[[Verdict], Awaitable[None]] | None = None,
        *,
        attempt: int = 1,
        most_attempts: int | None = None,
        extend: Callable[[], Awaitable[None]] | None = None,
        lease: float | None = None,
        timeout: float | None = None,
        before: Letter | None = None,
        is_awaited: bool = False,
        unfit: Permanent | None = None,
    ) -> None:
        if (extend is None) is not (lease is None):
            raise TypeError("a delivery has both `extend` and `lease`, or neither")
        if not all(isinstance(each, int | None) for each in (attempt, most_attempts)) or attempt is None:
            raise TypeError("`attempt` and `most_attempts` of a delivery are whole numbers")
        if lease is not None and not lease > 0:
            raise ValueError("the `lease` of a delivery is a number of seconds above 0")
        self.message = message
        self.settle = settle
        self.attempt = attempt
        self.most_attempts = most_attempts
        self.extend = extend
        self.lease = lease
        self.timeout = timeout
        self.before = before
        self.is_awaited = is_awaited
        self.unfit = unfit


def settling(
    done: Callable[[], Awaitable[None]],
    again: Callable[[float], Awaitable[None]],
    away: Callable[[str], Awaitable[None]],
) -> Callable[[Verdict], Awaitable[None]]:
    """Return the `settle` of a source that has one way for each end.

    done: the message is finished, or safe among the flow's dead letters. again: it is to be delivered again, after that
    many seconds; 0.0 means that this process stops. away: it failed for good, as the note says, and nobody keeps it.
    """

    async def settle(verdict: Verdict) -> None:
        match verdict:
            case Done() | Drop() | Reject(is_kept=True):
                await done()
            case Retry(after=after):
                await again(after)
            case Reject():
                await away(verdict.note)

    return settle
