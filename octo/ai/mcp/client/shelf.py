"""The list of a server's tools, kept for as long as the server says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

from octo.ai.mcp.client import codes
from octo.ai.mcp.client.tools import Listing
from octo.core.errors import Disconnected, OctoError
from octo.core.log import fields

log = logging.getLogger("octo.mcp")

DEFAULT = 300.0
"""Seconds that a list is kept if the server does not say."""
LEAST = 10.0
"""Seconds that it is kept at least: many servers say 0, and would be asked before every call of a model."""
MOST = 86_400.0
AFTER_FAILURE = 30.0
"""Seconds after which a list that could not be fetched again is asked for once more."""


Begin = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]
"""Begins a task that ends with the session. Raises `Disconnected` if that has ended."""


class Fetched(NamedTuple):
    """A list, and the seconds that the server lets it be kept; None if it does not say."""

    listing: Listing
    keep: float | None


class Shelf:
    """Keeps one list. Who asks while it is being fetched waits for that fetch; who gives up does not end it.

    fetch: gets the list. begin: begins a task of the session, in which it runs.

    Invariant: once there is a list, there is always one: if it cannot be fetched again, the old one stays.
    """

    def __init__(self, place: str, fetch: Callable[[], Awaitable[Fetched]], begin: Begin) -> None:
        self._place = place
        self._fetch = fetch
        self._begin = begin
        self._listing: Listing | None = None
        self._until = 0.0
        self._changes = 0
        self._fetching: asyncio.Task[OctoError | None] | None = None

    def outdate(self) -> None:
        """Note that the list has changed: the next who asks gets the new one."""
        self._changes += 1
        self._until = 0.0

    async def listing(self) -> Listing:
        """The list. Raises the error of fetching it if there has never been one."""
        while self._listing is None or self._until <= _now():
            if self._fetching is None:
                self._fetching = self._begin(self._renew())
            fetching = self._fetching
            await asyncio.wait((fetching,))
            if fetching.cancelled():
                raise Disconnected(f"{self._place}: the connection was closed", code=codes.UNREACHABLE)
            error = fetching.result()
            if error is not None and self._listing is None:
                raise error
            if self._listing is not None:
                return self._listing
        return self._listing

    async def _renew(self) -> OctoError | None:
        changes = self._changes
        try:
            fetched = await self._fetch()
        except OctoError as error:
            self._until = _now() + AFTER_FAILURE
            if self._listing is not None:
                told = fields(server=self._place, error=str(error))
                log.warning("tools cannot be listed again; those of before stay", extra=told)
            return error
        else:
            self._listing = fetched.listing
            keep = DEFAULT if fetched.keep is None else min(max(fetched.keep, LEAST), MOST)
            self._until = _now() + keep if changes == self._changes else 0.0
            return None
        finally:
            self._fetching = None


def _now() -> float:
    return asyncio.get_running_loop().time()
