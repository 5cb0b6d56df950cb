"""Call the API of a vendor: JSON in, JSON out, within bounds of time and size, with errors that say who must act.

`http-client` does far more, for requests that authors write; connectors must not import one another.
"""

from __future__ import annotations

import asyncio
import math
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from octo.core import clock, codec, deadline
from octo.core.backoff import Backoff
from octo.core.errors import NotConnected, OctoError, Overloaded, Permanent, Timeout, Transient
from octo.core.secrets import masked
from octo.core.tls import ClientTls, reason
from octo.core.trace import effect
from octo.vendors import codes
from octo.vendors.settings import Called

MOST = 16 * 1024 * 1024
"""Bytes of an answer."""
LONGEST_PAUSE = 30.0
_AGAIN = frozenset((429, 500, 502, 503, 504, 529))
_USED_UP = frozenset((402, 432, 433))
"""What vendors answer when a plan is used up: nothing will change until somebody pays."""

Query = Sequence[tuple[str, str]]


class Api:
    """The API of one vendor. name: how errors call it. `sleep` and `backoff` exist so that tests can replace them."""

    def __init__(self, session: Any, name: str, base: str, headers: Mapping[str, str], settings: Called) -> None:
        self._session = session
        self._name = name
        self._base = base
        self._headers = headers
        self._settings = settings
        self.sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
        self.backoff = Backoff(0.5, LONGEST_PAUSE, jitter=0.5)

    async def call(
        self, method: str, path: str, body: object = None, query: Query = (), *, base: str | None = None
    ) -> dict[str, Any]:
        """Return the answer, a JSON object. Repeats what failed for a passing reason: only send what may be repeated.

        base: where the API begins for this call, if the vendor has several addresses.
        """
        url = (self._base if base is None else base) + path
        for attempt in range(1, self._settings.max_attempts):
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
            status, headers, data = await self._exchange(method, url, body, query)
            seen["status"] = status
            if not 200 <= status < 300:
                raise self._refused(status, headers, data)
            return self._read(data)
        except OctoError as error:
            seen["error"] = error.code
            raise
        finally:
            effect("http", **seen, seconds=round(now() - began, 6))

    async def _exchange(
        self, method: str, url: str, body: object, query: Query
    ) -> tuple[int, Mapping[str, str], bytes]:
        import aiohttp

        data = None if body is None else codec.write(body)
        kind = {} if data is None else {"Content-Type": "application/json"}
        seconds = self._settings.timeout.total_seconds()
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.request(
                    method,
                    url,
                    params=list(query),
                    data=data,
                    headers={**self._headers, **kind},
                    allow_redirects=False,  # another server must not get the key
                    proxy=_proxy(url),
                ) as response,
            ):
                return response.status, response.headers, await self._bytes(response)
        except TimeoutError as error:
            raise Timeout(f"{self._name} has not answered within {seconds:g}s", code=codes.TOO_SLOW) from error
        except aiohttp.ClientConnectorCertificateError as error:
            told = reason(error.certificate_error)
            raise Permanent(f"cannot trust {self._name}: {masked(told)}", code=codes.UNREACHABLE) from error
        except aiohttp.ClientConnectorError as error:
            told = reason(error.os_error)
            raise NotConnected(f"cannot connect to {self._name}: {masked(told)}", code=codes.UNREACHABLE) from error
        except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, OSError) as error:
            raise Transient(f"the connection to {self._name} broke", code=codes.UNREACHABLE) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise Permanent(f"the answer of {self._name} is not valid HTTP", code=codes.UNREADABLE) from error

    async def _bytes(self, response: Any) -> bytes:
        found = bytearray()
        async for chunk in response.content.iter_any():
            found += chunk
            if len(found) > MOST:
                raise Permanent(f"the answer of {self._name} has more than {MOST:,} bytes", code=codes.TOO_LARGE)
        return bytes(found)

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

    def _refused(self, status: int, headers: Mapping[str, str], data: bytes) -> OctoError:
        what = f"{self._name} answered {status}{_told(data)}"
        if status in (401, 403):
            return Permanent(what, code=codes.KEY, status=status)
        if status in _USED_UP:
            return Permanent(what, code=codes.LIMIT, status=status)
        if status not in _AGAIN:
            return Permanent(what, code=codes.FAILED if status >= 500 else codes.REFUSED, status=status)
        asked = _pause(headers.get("Retry-After", ""))
        if status == 429:
            limited = Overloaded(what, code=codes.LIMIT)
            limited.status = status
            return _after(limited, asked)
        return _after(Transient(what, code=codes.FAILED, status=status), asked)


def _after(error: Transient, seconds: float | None) -> Transient:
    error.retry_after = seconds
    return error


def _pause(text: str) -> float | None:
    """The seconds that `Retry-After` asks for, as a number or a date; None if it asks for none."""
    try:
        found = float(text)
    except ValueError:
        try:
            found = parsedate_to_datetime(text).timestamp() - clock.now().timestamp()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, found) if math.isfinite(found) else None


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


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for this address. aiohttp would look into `.netrc`, too."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in ("localhost", "127.0.0.1", "::1") or urllib.request.proxy_bypass_environment(host):  # type: ignore[attr-defined]
        return None
    return urllib.request.getproxies_environment().get(parts.scheme)


@asynccontextmanager
async def calling(name: str, base: str, headers: Mapping[str, str], settings: Called) -> AsyncIterator[Api]:
    """Yield the API. Nothing is sent before the first call."""
    aiohttp = await asyncio.to_thread(import_module, "aiohttp")  # it takes its time
    secure = True if settings.tls == ClientTls() else await asyncio.to_thread(settings.tls.context)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=secure),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "octo", "Accept": "application/json"},
    ) as session:
        session._retry_connection = False  # noqa: SLF001  there is no option; `maxAttempts` says how often
        yield Api(session, name, base, headers, settings)
