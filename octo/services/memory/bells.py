"""Bells: how those who wait for something in memory hear that it may be there."""

from __future__ import annotations

import asyncio


class Bells:
    """One bell per name; only those that somebody listens to exist."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Future[None]]] = {}

    def ring(self, name: str) -> None:
        """Wake everybody who listens. Each looks for itself whether there is something left."""
        for listener in self._listeners.get(name, ()):
            if not listener.done():
                listener.set_result(None)

    async def heard(self, name: str, until: float | None = None) -> None:
        """Return when the bell rings, or when it is `until` by the loop's clock."""
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
