"""What happens in one process wakes those who wait in others: one connection that hears what scripts publish.

A notice that is lost with its connection delays a waiting task by at most `POLL`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from octo.core.backoff import Backoff
from octo.core.errors import OctoError
from octo.core.log import fields
from octo.services.bells import Bells
from octo.services.redis import errors, server
from octo.services.redis.address import Address
from octo.services.redis.link import Link, connected
from octo.services.redis.state import Memory
from octo.services.trouble import Trouble

log = logging.getLogger("octo.services")

POLL = 2.0
"""Seconds between two signs of life of the server, and after which everybody who waits looks for himself."""
ANSWER = 3.0
"""Seconds that the server may take for a sign of life."""

_PAUSES = Backoff(0.1, 2.0, jitter=0.3)


class Notices:
    """See the module. memory: which store it was."""

    def __init__(
        self, address: Address, link: Link, memory: Memory, poll: float = POLL, answer: float = ANSWER
    ) -> None:
        self.bells = Bells()
        self.trouble = Trouble(address.where)
        self._address = address
        self._link = link
        self._memory = memory
        self._poll = poll
        self._answer = answer
        self._warned: list[str] = []

    async def live(self) -> None:
        """Listen, until cancelled; after a failure on a new connection."""
        failures = 0
        while True:
            try:
                async with self._listening() as connection:
                    await self._alive()
                    self.trouble.tell(None)
                    failures = 0
                    await self._attend(connection)
            except OctoError as error:
                self.trouble.tell(str(error))
            except Exception as error:  # noqa: BLE001  a bug of the driver: waiting is slower then, and health tells
                self.trouble.tell(f"{type(error).__name__} in the connection that listens")
            failures += 1
            self._link.renew()
            self.bells.ring_all()  # who waits asks the server, and gets its error
            await asyncio.sleep(_PAUSES.pause(failures))

    def warn(self, warnings: list[str]) -> None:
        """Say what may be lost on this server, once."""
        for each in warnings:
            if each not in self._warned:
                log.warning(
                    "services: the server may lose what it acknowledged",
                    extra=fields(server=self._address.where, why=each),
                )
        self._warned = warnings

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[Any]:
        connection = await connected(self._address)
        try:
            async with asyncio.timeout(self._answer):
                self.warn(await server.inspect(connection, self._address))
                await connection.send_command("SUBSCRIBE", f"{self._address.prefix}:bells", check_health=False)
                await connection.read_response()
            self.bells.ring_all()  # what was told before this was not heard
            yield connection
        except errors.FAILURES as error:
            raise errors.failed(self._address.where, error) from error
        finally:
            await connection.disconnect(nowait=True)

    async def _attend(self, connection: Any) -> None:
        time = asyncio.get_running_loop().time
        while True:
            await connection.send_command("PING", check_health=False)
            await self._hear(connection, time() + self._answer, is_asked=True)
            await self._alive()
            await self._hear(connection, time() + self._poll)
            self.bells.ring_all()

    async def _hear(self, connection: Any, until: float, *, is_asked: bool = False) -> None:
        """Ring what is heard: until the answer to a question comes, or for some time."""
        time = asyncio.get_running_loop().time
        while (left := until - time()) > 0:
            heard = await connection.read_response(timeout=left, disconnect_on_error=False)
            if heard is None:
                continue
            if heard[0] == b"message":
                self.bells.ring(heard[2].decode())
            elif is_asked and heard[0] == b"pong":
                return
        if is_asked:
            raise TimeoutError

    async def _alive(self) -> None:
        """A server that answers may still refuse to write, or be another one."""
        await self._memory.compare(self._link)
