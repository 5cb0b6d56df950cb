"""The link to the servers: one connection, and a new one when it is lost or nothing comes from it.

Calls fail at once while there is none, and after `PATIENCE` when no answer comes. The sign of life of a stream every
few seconds is the health of the services, and tells the server's clock.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol

from octo.core.backoff import Backoff
from octo.core.errors import NotConnected, OctoError
from octo.services import codes
from octo.services.nats import errors
from octo.services.nats.address import Address
from octo.services.nats.connection import Answer, Connection, Heard, connected
from octo.services.trouble import Trouble

PATIENCE = 10.0
"""Seconds that the server may take to answer."""
POLL = 2.0
"""Seconds between two signs of life."""
ANSWER = 3.0
"""Seconds that the server may take for a sign of life."""

_PAUSES = Backoff(0.1, 2.0, jitter=0.3)
_TURNS = 10
_LOOKS = 5
"""Looks at the server's clock that are remembered; the quickest counts."""


class User(Protocol):
    """Who uses the link."""

    @property
    def heard(self) -> Mapping[str, Heard]:
        """Who hears what comes to each subject."""
        ...

    async def begin(self, connection: Connection) -> None:
        """Make a new connection fit for use."""
        ...

    async def sign(self) -> None:
        """Ask for a sign of life."""
        ...

    def lost(self) -> None:
        """There is no connection any more, or a try to get one has failed."""
        ...


class Link:
    """See the module.

    begun: done once it was connected; if the first try failed, with its error.
    """

    def __init__(
        self, address: Address, patience: float = PATIENCE, poll: float = POLL, answer: float = ANSWER
    ) -> None:
        self.address = address
        self.trouble = Trouble(address.where)
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._patience = patience
        self._poll = poll
        self._answer = answer
        self._connection: Connection | None = None
        self._looks: deque[tuple[float, float]] = deque(maxlen=_LOOKS)

    # --- calls ---------------------------------------------------------------------------------------------------

    async def ask(
        self, subject: str, payload: bytes = b"", headers: dict[str, str] | None = None, *, most: int | None = None
    ) -> Answer:
        """See `Connection.ask`. Raises `NotConnected`, or `Transient` if it may have been done."""
        connection = self._connected()
        try:
            return await connection.ask(subject, payload, headers, most, self._patience)
        except errors.FAILURES as error:
            raise errors.failed(self.address.where, self._reason(error)) from error

    async def pull(self, subject: str, payload: bytes, most: int, expires: float, late: Heard) -> Answer:
        """See `Connection.pull`."""
        connection = self._connected()
        try:
            return await connection.pull(subject, payload, most, late, expires, expires + self._patience)
        except errors.FAILURES as error:
            raise errors.failed(self.address.where, self._reason(error)) from error

    async def tell(self, subject: str, payload: bytes = b"") -> None:
        """Send and forget."""
        connection = self._connected()
        try:
            async with asyncio.timeout(self._patience):
                await connection.tell(subject, payload)
        except errors.FAILURES as error:
            raise errors.failed(self.address.where, self._reason(error)) from error

    async def api(self, name: str, /, **given: object) -> dict[str, Any]:
        """Ask JetStream. Raises `Refused` with what it says."""
        answer = await self.ask(f"$JS.API.{name}", json.dumps(given).encode() if given else b"")
        return self.answered(answer)

    def answered(self, answer: Answer) -> dict[str, Any]:
        """The answer of JetStream."""
        if answer.status is not None:
            raise errors.failed(self.address.where, "JetStream does not answer")
        found: dict[str, Any] = json.loads(answer.messages[0].data)
        if "error" in found:
            raise errors.refused(self.address.where, found["error"])
        return found

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.lost.is_set():
            raise NotConnected(f"{self.address.where}: not connected", code=codes.SERVER)
        return self._connection

    def _reason(self, error: Exception) -> Exception:
        """Why no answer came, where the server has told, e.g. that the user lacks a right."""
        told = None if self._connection is None else self._connection.failure
        return told if isinstance(error, TimeoutError) and told is not None else error

    # --- the clock -----------------------------------------------------------------------------------------------

    def now(self) -> float:
        """The time of the server, in seconds since 1970."""
        return asyncio.get_running_loop().time() + min(self._looks)[1]

    async def look(self, stream: str) -> dict[str, Any]:
        """The state of a stream; a sign of life, and a look at the clock."""
        time = asyncio.get_running_loop().time
        began = time()
        found = await self.api(f"STREAM.INFO.{stream}")
        took = time() - began
        shown = moment(found["ts"])
        self._looks.append((took, shown - began - took / 2))
        return found

    # --- life ----------------------------------------------------------------------------------------------------

    async def live(self, user: User) -> None:
        """Keep a connection, until cancelled."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._live(user)
            except (OctoError, *errors.FAILURES) as error:
                self._failed(error if isinstance(error, OctoError) else errors.failed(self.address.where, error))
            except Exception as error:  # noqa: BLE001  a bug of the client: it is tried again, and health tells
                self._failed(errors.failed(self.address.where, f"{type(error).__name__} in the connection"))
            user.lost()
            lived = asyncio.get_running_loop().time() - began
            failures = 1 if lived > self._poll + self._answer else failures + 1
            await asyncio.sleep(_PAUSES.pause(failures))

    async def _live(self, user: User) -> None:
        """From the begin of a connection to its end, which is always an error."""
        async with connected(self.address) as connection:
            self._connection = connection
            try:
                async with asyncio.timeout(self._patience):
                    await connection.listen(user.heard)
                    await user.begin(connection)
                if not self.begun.done():
                    self.begun.set_result(None)
                await self._attend(connection, user)
            finally:
                self._connection = None

    def _failed(self, error: OctoError) -> None:
        if self.begun.done():
            self.trouble.tell(str(error))
        else:
            self.begun.set_exception(error)

    async def _attend(self, connection: Connection, user: User) -> None:
        """Return when the connection is lost; raise when no sign of life comes."""
        while not connection.lost.is_set():
            async with awake(self._answer):
                await user.sign()
            self.trouble.tell(None)
            try:
                async with asyncio.timeout(self._poll):
                    await connection.lost.wait()
            except TimeoutError:
                continue
        raise errors.failed(self.address.where, "the connection was lost")


@asynccontextmanager
async def awake(seconds: float) -> AsyncIterator[None]:
    """Raise `TimeoutError` after so many seconds in which the event loop turned.

    A loop that stood still, because the machine is busy, has not heard the answer that lies there.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def turn(left: int) -> None:
        nonlocal timer
        if left:
            timer = loop.call_later(seconds / _TURNS, turn, left - 1)
        else:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        turn(_TURNS)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()


def moment(text: str) -> float:
    """A time that the server writes, in seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()
