"""How many requests of one connector may be under way, and how many of these each route is sure of.

A flow refuses what it has no room for, so the limit of the connector is the last resort. A quarter of it is kept in
reserve: every route is sure of an equal part of the reserve, and all routes share the rest. So routes whose requests
hang cannot take the places of the others.

Requests whose body is still arriving are counted apart, with a limit of the same size: slow clients must not take the
places of requests that run. If there are too many, the one that has been sending longest gives way to the new one.
"""

from __future__ import annotations

import asyncio
import logging

from octo.connectors.http.limit import TimeLimit
from octo.core.log import fields

log = logging.getLogger("octo.http")

SLOW = 1.0
"""Seconds for which a request may send its body before it may have to give way to another."""


class Share:
    """The requests of one route: `busy` run, and those that wait in `reading` still send their body."""

    __slots__ = ("busy", "reading")

    def __init__(self, reading: TimeLimit) -> None:
        self.busy = 0
        self.reading = reading


class Gate:
    """Counts the requests of one connector.

    limit: at most this many run at once, and at most about as many send their body. common: while fewer than this many
    run, every route may run another.
    """

    __slots__ = ("_empty", "_shares", "busy", "common", "limit", "reading")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.common = limit - limit // 4
        self.busy = 0
        self.reading = 0
        self._shares: list[Share] = []
        self._empty: asyncio.Event | None = None

    def join(self, reading: TimeLimit) -> Share:
        """Return the share of one more route, whose bodies arrive within this limit."""
        share = Share(reading)
        self._shares.append(share)
        return share

    def part(self, share: Share) -> None:
        """Forget a route. Its requests that are under way still count."""
        self._shares.remove(share)

    # --- requests that run ---------------------------------------------------------------------------------------

    def admits(self, share: Share) -> bool:
        """Whether one more request of this route may run."""
        if self.busy < self.common:
            return True
        if self.busy < self.limit:
            sure = max(1, (self.limit - self.common) // max(1, len(self._shares)))
            beyond = self.busy - sum(min(each.busy, sure) for each in self._shares)
            if share.busy < sure or beyond < self.common:
                return True
        log.warning("a request was refused: too many are under way", extra=fields(maxConcurrentRequests=self.limit))
        return False

    def enter(self, share: Share) -> None:
        self.busy += 1
        share.busy += 1

    def leave(self, share: Share) -> None:
        self.busy -= 1
        share.busy -= 1
        self._look()

    # --- requests whose body arrives -----------------------------------------------------------------------------

    def begin_reading(self) -> bool:
        """Count one more body that arrives. Return False, and count nothing, if there is no room for it."""
        if self.reading >= self.limit and not self._give_way():
            log.warning("a request was refused: too many are sending", extra=fields(maxConcurrentRequests=self.limit))
            return False
        self.reading += 1
        return True

    def end_reading(self) -> None:
        self.reading -= 1
        self._look()

    def _give_way(self) -> bool:
        """End the wait for a body of the route that waits for most of them."""
        crowd = max((each.reading for each in self._shares), key=len, default=None)
        return crowd is not None and crowd.end_first(SLOW)

    # --- the end -------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._empty is not None and not self.busy and not self.reading:
            self._empty.set()

    async def emptied(self) -> None:
        """Return once every request has been answered."""
        if self.busy or self.reading:
            self._empty = asyncio.Event()
            await self._empty.wait()
