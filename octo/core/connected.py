"""A connection that a connector opens once: its end is noticed, and the engine opens another one."""

from __future__ import annotations

import asyncio

from octo.core.errors import Disconnected


class Connected:
    """An open connection.

    place: its address, without credentials. code: of the error when it is gone. reason: why that is, "" before.
    """

    def __init__(self, place: str, code: str = Disconnected.code) -> None:
        self.place = place
        self.reason = ""
        self._code = code
        self._lost = asyncio.Event()

    @property
    def is_lost(self) -> bool:
        return self._lost.is_set()

    @property
    def gone(self) -> Disconnected:
        return Disconnected(f"{self.place}: {self.reason or 'the connection was closed'}", code=self._code)

    def lose(self, reason: str) -> None:
        """Note that the connection is gone. The first reason counts."""
        self.reason = self.reason or reason
        self._lost.set()

    async def watch(self) -> None:
        """Raise `Disconnected` once the connection is gone."""
        await self._lost.wait()
        raise self.gone
