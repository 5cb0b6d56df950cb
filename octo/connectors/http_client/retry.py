"""Repeating requests that failed for reasons that pass, and only where nothing can be done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime

from octo.connectors.http_client import settings
from octo.connectors.http_client.reply import Reply
from octo.connectors.http_client.request import Request
from octo.core import clock
from octo.core.backoff import Backoff
from octo.core.errors import NotConnected, Timeout, Transient

IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE", "OPTIONS"))
STATUSES = frozenset((429, 502, 503, 504))


class Retries:
    """The connector's patience. `sleep`, `wall` and `backoff` are there for tests to replace."""

    def __init__(self, retry: settings.Retry) -> None:
        self._attempts = max(1, retry.max_attempts)
        self._longest = retry.max_backoff.total_seconds()
        self.sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
        self.wall: Callable[[], float] = lambda: clock.now().timestamp()
        self.backoff = Backoff(retry.min_backoff.total_seconds(), self._longest, jitter=0.5)

    async def send(self, request: Request, send: Callable[[Request], Awaitable[Reply]]) -> Reply:
        """The first answer worth having, or the last one. A flow's deadline ends the waits by cancelling them."""
        for attempt in range(1, self._attempts):
            try:
                reply = await send(request)
            except Transient as error:
                if not _may_repeat(request, error):
                    raise
                await self.sleep(self.backoff.pause(attempt))
            else:
                if request.method not in IDEMPOTENT or reply.status not in STATUSES:
                    return reply
                asked = self._asked(reply)
                await self.sleep(self.backoff.pause(attempt) if asked is None else min(asked, self._longest))
        return await send(request)

    def _asked(self, reply: Reply) -> float | None:
        """What `Retry-After` says, in seconds from now."""
        text = reply.headers.get("retry-after", "")
        if text.isascii() and text.isdigit():
            return float(text)
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - self.wall())
        except ValueError:
            return None


def _may_repeat(request: Request, error: Transient) -> bool:
    """Whether another attempt can do no harm: the server never heard of this one, or hearing it twice is the same."""
    if isinstance(error, Timeout):
        return False  # the time an attempt may take is over; a second one would double the caller's wait
    return isinstance(error, NotConnected) or request.method in IDEMPOTENT
