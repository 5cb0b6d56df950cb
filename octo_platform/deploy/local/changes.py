"""Tells everybody who listens which deployments may have changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class Changes:
    """A deployment that changes several times before somebody looks is told once."""

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()

    def tell(self, deployment: str) -> None:
        for each in self._listeners:
            each.pending[deployment] = None
            each.event.set()

    async def listen(self) -> AsyncIterator[str]:
        """The ids, from now on, until cancelled."""
        listener = _Listener()
        self._listeners.add(listener)
        try:
            while True:
                await listener.event.wait()
                listener.event.clear()
                pending, listener.pending = listener.pending, {}
                for each in pending:
                    yield each
        finally:
            self._listeners.discard(listener)


class _Listener:
    """pending: what it has not been told yet, in order."""

    def __init__(self) -> None:
        self.pending: dict[str, None] = {}
        self.event = asyncio.Event()
