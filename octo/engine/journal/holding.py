"""Holding: who hands a message to a flow with a journal also says when it is settled, and can be forgotten.

    with holding("orders", redelivers=True) as held:
        ...  # run the message, tell its source
    await held.over()

Without a holder, as in a call by a flow that has no journal, a run is forgotten when its flow ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from octo.core.errors import OctoError
from octo.core.log import fields

if TYPE_CHECKING:
    from octo.engine.journal.run import Run

log = logging.getLogger("octo.engine")


class Held:
    """One message of one flow. redelivers: whether its source brings it again if this process ends.

    run: set once the message is in a flow with a journal; a holder that goes on with a run sets it before.
    is_taken: whether the flow has begun with it: what the flow calls is another message.
    until: on the loop's clock, when another process may get the message; None if it does not get it that way.
    """

    __slots__ = ("flow", "is_taken", "redelivers", "run", "until")

    def __init__(self, flow: str, *, redelivers: bool, run: Run | None = None) -> None:
        self.flow = flow
        self.is_taken = False
        self.redelivers = redelivers
        self.run = run
        self.until: float | None = None

    def leads(self) -> bool:
        """Whether nobody else can have the message at this moment: a process may have been frozen for long."""
        return self.until is None or asyncio.get_running_loop().time() < self.until

    def left(self) -> None:
        """The message was cut off: whoever finds it goes on with it."""
        if self.run is not None:
            self.run.left()

    async def over(self) -> None:
        """Forget what the message has done: it is settled."""
        if self.run is not None:
            await self._done(self.run, self.run.over())

    async def again(self) -> None:
        """The message will be tried again: what it has finished counts, what has failed does not."""
        if self.run is not None:
            await self._done(self.run, self.run.reopen())

    async def _done(self, run: Run, work: Awaitable[None]) -> None:
        try:
            await work
        except OctoError as error:  # the message is settled all the same
            about = fields(flow=run.label.flow, event_id=run.label.event, error=str(error))
            log.warning("the journal of a message could not be brought up to date", extra=about)
        finally:
            run.left()


current: ContextVar[Held | None] = ContextVar("octo.held", default=None)


@contextmanager
def holding(flow: str, *, redelivers: bool, run: Run | None = None) -> Iterator[Held]:
    """A context in which a flow with a journal gets a message."""
    held = Held(flow, redelivers=redelivers, run=run)
    token = current.set(held)
    try:
        yield held
    finally:
        current.reset(token)
