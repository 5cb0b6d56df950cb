"""Repeat requests that failed for a passing reason, but only if the server cannot carry one out twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from octo.connectors.http_client import settings
from octo.connectors.http_client.reply import Reply
from octo.connectors.http_client.request import Request
from octo.core import clock, deadline
from octo.core.backoff import Backoff
from octo.core.dates import pause_of
from octo.core.errors import NotConnected, Timeout, Transient

STATUSES = frozenset((429, 502, 503, 504))


class Retries:
    """Repeats requests as the settings say. `sleep`, `wall` and `backoff` exist so that tests can replace them."""

    def __init__(self, retry: settings.Retry) -> None:
        self._attempts = max(1, retry.max_attempts)
        self._methods = frozenset(retry.methods)
        self._longest = retry.max_backoff.total_seconds()
        self.sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
        self.wall: Callable[[], float] = lambda: clock.now().timestamp()
        self.backoff = Backoff(retry.min_backoff.total_seconds(), self._longest, jitter=0.5)

    async def send(self, request: Request, send: Callable[[Request], Awaitable[Reply]]) -> Reply:
        """Return the first answer that needs no repetition, or the last.

        No wait begins that cannot end before the flow's deadline: what there is until then says more than a timeout.
        """
        for attempt in range(1, self._attempts):
            try:
                reply = await send(request)
            except Transient as error:
                if not self._may_repeat_after(error, request) or not await self._rest(self.backoff.pause(attempt)):
                    raise
            else:
                if reply.status not in STATUSES or not self._may_repeat(request):
                    return reply
                asked = pause_of(reply.headers.get("retry-after", ""), self.wall())
                if not await self._rest(self.backoff.pause(attempt) if asked is None else min(asked, self._longest)):
                    return reply
        return await send(request)

    async def _rest(self, pause: float) -> bool:
        """Wait; or return False at once if the deadline would come first."""
        left = deadline.left()
        if left is not None and left.seconds <= pause:
            return False
        await self.sleep(pause)
        return True

    def _may_repeat_after(self, error: Transient, request: Request) -> bool:
        if isinstance(error, Timeout):
            return False  # it took as long as an attempt may take; a second one would double the caller's wait
        return isinstance(error, NotConnected) or self._may_repeat(request)

    def _may_repeat(self, request: Request) -> bool:
        """Whether another attempt is harmless though the server may have carried out this one."""
        # An empty key, e.g. of a variable that is not set, tells no request from another.
        return request.method in self._methods or bool((request.header("idempotency-key") or "").strip())
