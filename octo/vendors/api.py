"""Call the API of a vendor: JSON in, JSON out, tried again while that helps, with errors that say who must act.

`http-client` does far more, for requests that authors write; connectors must not import one another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from octo.core import clock, codec, deadline
from octo.core.backoff import Backoff
from octo.core.dates import pause_of
from octo.core.errors import OctoError, Overloaded, Permanent, Timeout, Transient
from octo.core.secrets import masked
from octo.core.trace import effect
from octo.vendors import codes
from octo.vendors.session import Answer, Query, Transport, session
from octo.vendors.settings import Called

LONGEST_PAUSE = 30.0
_AGAIN = frozenset((429, 500, 502, 503, 504, 529))
_USED_UP = frozenset((402, 432, 433))
"""What vendors answer when a plan is used up: nothing will change until somebody pays."""


class Api:
    """The API of one vendor. name: how errors call it. `sleep` and `backoff` exist so that tests can replace them."""

    def __init__(self, transport: Transport, name: str, base: str, settings: Called) -> None:
        self._transport = transport
        self._name = name
        self._base = base
        self._most_attempts = settings.max_attempts
        self.sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
        self.backoff = Backoff(0.5, LONGEST_PAUSE, jitter=0.5)

    async def call(
        self, method: str, path: str, body: object = None, query: Query = (), *, base: str | None = None
    ) -> dict[str, Any]:
        """Return the answer, a JSON object. Repeats what failed for a passing reason: only send what may be repeated.

        base: where the API begins for this call, if the vendor has several addresses.
        """
        url = (self._base if base is None else base) + path
        for attempt in range(1, self._most_attempts):
            try:
                return await self._once(method, url, body, query)
            except Timeout:
                raise
            except Transient as error:
                pause = self.backoff.pause(attempt) if error.retry_after is None else error.retry_after
                left = deadline.left()
                if pause > LONGEST_PAUSE or (left is not None and left.seconds <= pause):
                    raise
                await self.sleep(pause)
        return await self._once(method, url, body, query)

    async def _once(self, method: str, url: str, body: object, query: Query) -> dict[str, Any]:
        now = asyncio.get_running_loop().time
        began = now()
        seen: dict[str, object] = {"method": method, "url": url, "status": None}
        try:
            answer = await self._transport.send(method, url, body, query)
            seen["status"] = answer.status
            if not 200 <= answer.status < 300:
                raise self._refused(answer)
            return self._read(answer.data)
        except OctoError as error:
            seen["error"] = error.code
            raise
        finally:
            effect("http", **seen, seconds=round(now() - began, 6))

    def _read(self, data: bytes) -> dict[str, Any]:
        try:
            found = codec.read(data) if data else {}
        except codec.NotJson as error:
            raise self.unreadable("it is not JSON") from error
        if not isinstance(found, dict):
            raise self.unreadable("it is no object")
        return found

    def unreadable(self, why: str) -> Permanent:
        """The error for an answer that has another form than the vendor's API describes."""
        return Permanent(f"the answer of {self._name} cannot be read: {why}", code=codes.UNREADABLE)

    def _refused(self, answer: Answer) -> OctoError:
        status, what = answer.status, f"{self._name} answered {answer.status}{_told(answer.data)}"
        if status in (401, 403):
            return Permanent(what, code=codes.KEY, status=status)
        if status in _USED_UP:
            return Permanent(what, code=codes.LIMIT, status=status)
        if status not in _AGAIN:
            return Permanent(what, code=codes.FAILED if status >= 500 else codes.REFUSED, status=status)
        asked = pause_of(answer.retry_after, clock.now().timestamp())
        if status == 429:
            limited = Overloaded(what, code=codes.LIMIT)
            limited.status = status
            return _after(limited, asked)
        return _after(Transient(what, code=codes.FAILED, status=status), asked)


def _after(error: Transient, seconds: float | None) -> Transient:
    error.retry_after = seconds
    return error


def _told(data: bytes) -> str:
    """What an answer says of its error, in short. It may repeat the key: secrets are masked."""
    text = data[:4000].decode("utf-8", "replace")
    try:
        found = codec.read(data)
    except codec.NotJson:
        found = None
    while isinstance(found, dict):
        found = next((found[key] for key in ("message", "error", "detail", "status", "msg") if found.get(key)), None)
        text = found if isinstance(found, str) else text
    shown = " ".join(masked(text).split())[:300]
    return f": {shown}" if shown and shown.isprintable() else ""


@asynccontextmanager
async def calling(name: str, base: str, headers: Mapping[str, str], settings: Called) -> AsyncIterator[Api]:
    """Yield the API. Nothing is sent before the first call."""
    async with session(name, headers, settings) as transport:
        yield Api(transport, name, base, settings)
