"""Bells: they wake tasks that wait for something of a service when it may be there."""

from __future__ import annotations

import asyncio


class Bells:
    """One bell per name; a bell exists only while a task listens to it."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Future[None]]] = {}

    def ring(self, name: str) -> None:
        """Wake every listener. Each checks for itself whether there is something left."""
        for listener in self._listeners.get(name, ()):
            if not listener.done():
                listener.set_result(None)

    def ring_all(self) -> None:
        """Wake every listener of every bell."""
        for name in self._listeners:
            self.ring(name)

    async def heard(self, name: str, until: float | None = None) -> None:
        """Return when the bell rings, or when the loop's clock reaches `until`."""
        listener = asyncio.get_running_loop().create_future()
        listeners = self._listeners.setdefault(name, set())
        listeners.add(listener)
        try:
            async with asyncio.timeout_at(until):
                await listener
        except TimeoutError:
            return
        finally:
            listeners.discard(listener)
            if not listeners and self._listeners.get(name) is listeners:
                del self._listeners[name]
