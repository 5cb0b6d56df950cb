"""Burial: a message that its flow failed for good is kept, with its letter, where the flow's `deadLetter` says.

Invariant: `keep` returns once the message is safe. So who acknowledges after it never loses one; a crash between the
two keeps it twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from octo import __version__
from octo.core import letter as letters
from octo.core.errors import Permanent
from octo.core.flow import Callee, Failure, Outcome
from octo.core.letter import VARIABLE, Letter
from octo.core.log import fields
from octo.core.message import Message
from octo.engine.background import in_background
from octo.engine.letter_file import Line, append
from octo.services.ports import Queues

log = logging.getLogger("octo.engine")


class Unfit(Permanent):
    """The grave will never take this message: with its letter it is too large."""


class Grave(Protocol):
    """Where the dead letters of a flow go."""

    async def keep(self, message: Message, letter: Letter) -> None:
        """Return once the message is safe. Raises `Unfit`, or whatever else prevents that."""
        ...


class InQueue:
    """As messages of a queue, which have the letter as a variable."""

    def __init__(self, queues: Queues, name: str) -> None:
        self._queues = queues
        self._name = name

    async def keep(self, message: Message, letter: Letter) -> None:
        told = message.with_var(VARIABLE, letter.as_value())
        # Who failed to acknowledge, and now keeps the message again, must not make two of it.
        key = sha256(f"{letter.flow}\0{letter.attempts}\0{message.event_id}".encode(errors="replace")).hexdigest()
        with _fitting():
            await self._queues.send(self._name, told.to_record(), key=key)


class InFile:
    """As lines of a file. Flow and event id are the id of a letter: the same one is not kept twice."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def keep(self, message: Message, letter: Letter) -> None:
        line = Line(f"{letter.flow} {message.event_id}", letter.as_value(), message.to_record())
        with _fitting():
            await in_background(append, self._path, line)


@contextmanager
def _fitting() -> Iterator[None]:
    try:
        yield
    except Permanent as error:
        raise Unfit(str(error), code=error.code) from error


class InFlow:
    """In the hands of another flow: the message is safe once that flow has completed."""

    def __init__(self, flow: Callee) -> None:
        self._flow = flow

    async def keep(self, message: Message, letter: Letter) -> None:
        result = self._flow.call(message.rekeyed().with_var(VARIABLE, letter.as_value()))
        if not isinstance(result, Outcome):
            await result


class Burial:
    """What becomes of the messages that one flow failed for good.

    config: the hash of its files. grave: where they go, None where that is the source's business.
    spawn: runs work in a task that a stop waits for.
    """

    def __init__(
        self,
        flow: str,
        config: str = "",
        grave: Grave | None = None,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]] | None = None,
    ) -> None:
        self.grave = grave
        self._flow = flow
        self._config = config
        self._spawn = spawn

    def letter(self, error: Exception, reason: str, *, attempts: int = 1, before: Letter | None = None) -> Letter:
        """The letter of a message that failed with this error. before: that of its failure before a replay."""
        made = letters.of(self._flow, reason, error, attempts=attempts, config=self._config, octo=__version__)
        return made.after(before)

    async def keep(self, message: Message, error: Exception) -> None:
        """Keep a message that nobody delivers again: of a push source, or of a one-way call.

        If it cannot be kept, the log has that; its caller hears of the failure in any case. It goes on when the caller
        is cancelled meanwhile, because he has hung up.
        """
        if self.grave is None or self._spawn is None:
            return
        await asyncio.shield(self._spawn(self._kept(message, self.letter(error, str(error)))))

    async def _kept(self, message: Message, letter: Letter) -> None:
        try:
            await self.bury(message, letter)
        except Exception as error:  # noqa: BLE001  it is logged, and the message has failed already
            self.told(error, message)

    async def bury(self, message: Message, letter: Letter) -> None:
        """Keep a message in the grave, which there must be. Raises whatever prevents that."""
        assert self.grave is not None
        await self.grave.keep(message, letter)
        about = fields(flow=self._flow, event_id=message.event_id, group=letter.fingerprint, attempts=letter.attempts)
        log.warning("dead letter kept", extra=about)

    def told(self, error: Exception, message: Message) -> None:
        """Log that a message could not be kept."""
        cause = error.cause if isinstance(error, Failure) else error
        about = fields(flow=self._flow, event_id=message.event_id, error=str(error) or type(cause).__name__)
        log.error("a dead letter could not be kept", extra=about)
