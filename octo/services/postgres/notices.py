"""What happens in one process wakes those who wait in others: one connection that listens and tells.

What is told while a telling is under way goes with the next, each name once. A telling that is lost with its
connection delays a waiting task by at most `POLL`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from octo.core.backoff import Backoff
from octo.core.errors import OctoError
from octo.services.bells import Bells
from octo.services.postgres import errors, links
from octo.services.postgres.address import Address
from octo.services.trouble import Trouble

POLL = 2.0
"""Seconds between two signs of life of the server, and after which everybody who waits looks for himself."""
ANSWER = 3.0
"""Seconds that the server may take for a sign of life."""

_PAUSES = Backoff(0.1, 2.0, jitter=0.3)
_TELL = "SELECT pg_notify($1, name) FROM unnest($2::text[]) AS name"


class Notices:
    """See the module. lost: called after a failure."""

    def __init__(
        self, address: Address, lost: Callable[[], Awaitable[None]], poll: float = POLL, answer: float = ANSWER
    ) -> None:
        self.bells = Bells()
        self.trouble = Trouble(address.where)
        self._address = address
        self._lost = lost
        self._poll = poll
        self._answer = answer
        self._untold: set[str] = set()
        self._something = asyncio.Event()

    def ring(self, name: str) -> None:
        """Wake those who wait under this name, here at once, elsewhere soon."""
        self.bells.ring(name)
        self._untold.add(name)
        self._something.set()

    async def live(self) -> None:
        """Listen and tell, until cancelled; after a failure on a new connection."""
        failures = 0
        while True:
            try:
                async with self._listening() as connection:
                    self.trouble.tell(None)
                    failures = 0
                    await self._attend(connection)
            except OctoError as error:
                self.trouble.tell(str(error))
            except Exception as error:  # noqa: BLE001  a bug of the driver: waiting is slower then, and health tells
                self.trouble.tell(f"{type(error).__name__} in the connection that listens")
            failures += 1
            await self._lost()
            self.bells.ring_all()  # who waits asks the server, and gets its error
            await asyncio.sleep(_PAUSES.pause(failures))

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[Any]:
        async with links.single(self._address) as connection:
            try:
                async with asyncio.timeout(self._answer):
                    await connection.execute("SET synchronous_commit TO off")  # a notice need not outlive anything
                    await connection.add_listener(self._channel, self._heard)
                connection.add_termination_listener(lambda _: self._something.set())
                self.bells.ring_all()  # what was told before this was not heard
                yield connection
            except errors.FAILURES as error:
                raise errors.failed(self._address.where, error) from error

    @property
    def _channel(self) -> str:
        return f"octo_{self._address.schema}"

    def _heard(self, connection: Any, sender: int, _: str, name: object) -> None:
        if sender != connection.get_server_pid():
            self.bells.ring(str(name))

    async def _attend(self, connection: Any) -> None:
        time = asyncio.get_running_loop().time
        next_look = time() + self._poll
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(next_look):
                    await self._something.wait()
            if time() >= next_look:
                next_look = time() + self._poll
                self.bells.ring_all()
            self._something.clear()
            names, self._untold = self._untold, set()
            async with asyncio.timeout(self._answer):
                await connection.execute(_TELL, self._channel, list(names))
