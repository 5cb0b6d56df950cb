"""Bells: they wake tasks that wait for something of a service when it may be there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Ear:
    """A task that listens to one bell. It remembers a ring that nobody waited for."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def heard(self, until: float | None = None) -> None:
        """Return when the bell rings, or has rung since the last time; or when the loop's clock reaches `until`."""
        try:
            async with asyncio.timeout_at(until):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._rung.clear()


class Bells:
    """One bell per name; a bell exists only while a task listens to it."""

    def __init__(self) -> None:
        self._ears: dict[str, set[Ear]] = {}

    def ring(self, name: str) -> None:
        """Wake every listener. Each checks for itself whether there is something left."""
        for ear in self._ears.get(name, ()):
            ear.ring()

    def ring_all(self) -> None:
        """Wake every listener of every bell."""
        for name in self._ears:
            self.ring(name)

    @contextmanager
    def listening(self, name: str) -> Iterator[Ear]:
        """Listen while entered: no ring is missed between a look at the service and the wait that follows."""
        ear = Ear()
        ears = self._ears.setdefault(name, set())
        ears.add(ear)
        try:
            yield ear
        finally:
            ears.discard(ear)
            if not ears and self._ears.get(name) is ears:
                del self._ears[name]

    async def heard(self, name: str, until: float | None = None) -> None:
        """Return when the bell rings, or when the loop's clock reaches `until`."""
        with self.listening(name) as ear:
            await ear.heard(until)
