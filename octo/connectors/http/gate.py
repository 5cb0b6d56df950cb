"""How many requests of one connector may be under way, and how many of these each route is sure of.

A flow refuses what it has no room for, so the limit of the connector is the last resort. A quarter of it is kept in
reserve: every route is sure of an equal part of the reserve, and all routes share the rest. So routes whose requests
hang cannot take the places of the others.

Requests whose body is still arriving are counted apart, under a limit of the same size and by the same rule: slow
clients must not take the places of requests that run. If there are too many, the one that has been sending longest
gives way to the new one. In the same way a response that waits for its client gives way to a new request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from octo.connectors.http.limit import TimeLimit
from octo.core.log import fields

log = logging.getLogger("octo.http")

SLOW = 1.0
"""Seconds for which a client may send its body, or take a piece of its response, before it may have to give way."""
MOST_TAKING = 300.0
"""Seconds for which a client may take nothing of what it was sent."""


class Share:
    """The requests of one route: `busy` run, and `sending` still send their body, for which they wait in `reading`."""

    __slots__ = ("busy", "reading", "sending")

    def __init__(self, reading: TimeLimit) -> None:
        self.busy = 0
        self.sending = 0
        self.reading = reading


class Gate:
    """Counts the requests of one connector.

    limit: at most this many run at once, and at most this many send their body. common: while fewer than this many do,
    every route may have another. taking: the waits of responses in pieces for their clients.
    """

    __slots__ = ("_empty", "_shares", "busy", "common", "limit", "sending", "taking")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.common = limit - limit // 4
        self.busy = 0
        self.sending = 0
        self.taking = TimeLimit(MOST_TAKING)
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
        if self._has_room(self.busy, share.busy, (each.busy for each in self._shares)):
            return True
        if self.taking.end_first(SLOW):
            return True
        log.warning("a request was refused: too many run", extra=fields(maxConcurrentRequests=self.limit))
        return False

    def _has_room(self, total: int, own: int, each: Iterable[int]) -> bool:
        """Whether a route with `own` of `total` places may take another. each: the places of all routes."""
        if total < self.common:
            return True
        if total >= self.limit:
            return False
        sure = max(1, (self.limit - self.common) // max(1, len(self._shares)))
        return own < sure or total - sum(min(taken, sure) for taken in each) < self.common

    def enter(self, share: Share) -> None:
        self.busy += 1
        share.busy += 1

    def leave(self, share: Share) -> None:
        self.busy -= 1
        share.busy -= 1
        self._look()

    # --- requests whose body arrives -----------------------------------------------------------------------------

    def begin_reading(self, share: Share) -> bool:
        """Count one more body that arrives. Return False, and count nothing, if there is no room for it."""
        has_room = self._has_room(self.sending, share.sending, (each.sending for each in self._shares))
        if not has_room and not self._give_way():
            log.warning("a request was refused: too many send", extra=fields(maxConcurrentRequests=self.limit))
            return False
        self.sending += 1
        share.sending += 1
        return True

    def end_reading(self, share: Share) -> None:
        self.sending -= 1
        share.sending -= 1
        self._look()

    def _give_way(self) -> bool:
        """End the wait for a body of the route that waits for most of them."""
        crowd = max((each.reading for each in self._shares), key=len, default=None)
        return crowd is not None and crowd.end_first(SLOW)

    # --- the end -------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._empty is not None and not self.busy and not self.sending:
            self._empty.set()

    async def emptied(self) -> None:
        """Return once every request has been answered."""
        if self.busy or self.sending:
            self._empty = asyncio.Event()
            await self._empty.wait()
