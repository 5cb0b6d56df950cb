"""One request and its answer over aiohttp, with every way it can fail said in our own words."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from octo.connectors.http_client import codes, settings
from octo.connectors.http_client.reply import Reply
from octo.core.errors import OctoError, Permanent, Timeout, Transient
from octo.core.trace import effect

DEFAULT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. Header names are as written; lower-case ones are compared."""

    method: str
    url: URL
    headers: Mapping[str, str]
    data: bytes | None = field(default=None, repr=False)

    @property
    def target(self) -> str:
        """The address for messages: without query, which may hold what nobody should read."""
        return str(self.url.with_query(None).with_fragment(None))

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name), None)

    def with_header(self, name: str, value: str) -> Request:
        return Request(self.method, self.url, {**self.headers, name: value}, self.data)


class NotConnected(Transient):
    """No connection came about, so the server knows nothing of the request."""

    code = codes.UNREACHABLE


class Exchange:
    """Sends requests through one session."""

    def __init__(self, session: aiohttp.ClientSession, timeout: float, limit: int) -> None:
        self._session = session
        self._timeout = timeout
        self._limit = limit

    async def send(self, request: Request, *, redirects: bool = True) -> Reply:
        """The whole answer, whatever its status. Cancelling aborts the request: the server sees us leave."""
        status = None
        began = time.perf_counter()
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.data,
                allow_redirects=redirects,
                skip_auto_headers=("Content-Type",),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
            ) as response:
                status = response.status
                data = await self._read(response, request)
                return Reply(response.status, _joined(response.headers), data)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._said(error, request) from error
        finally:
            seconds = round(time.perf_counter() - began, 6)
            effect("http", method=request.method, url=request.target, status=status, seconds=seconds)

    async def _read(self, response: aiohttp.ClientResponse, request: Request) -> bytes:
        chunks = []
        size = 0
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._limit:
                response.close()  # not `release`: the rest is not wanted
                raise Permanent(
                    f"the answer of {request.target} is larger than `maxResponseBytes` ({self._limit})",
                    code=codes.TOO_LARGE,
                    status=response.status,
                )
        return b"".join(chunks)

    def _said(self, error: Exception, request: Request) -> OctoError:
        what = f"rest request to {request.target}"
        match error:
            case TimeoutError():
                return Timeout(f"{what} had no answer within {self._timeout:g}s", code=codes.TOO_SLOW)
            case aiohttp.ClientConnectorCertificateError():
                return Permanent(f"{what}: {error.certificate_error}", code=codes.TLS)
            case aiohttp.ClientConnectorError():
                return NotConnected(f"{what}: cannot connect: {error.os_error.strerror or error.os_error}")
            case aiohttp.TooManyRedirects():
                return Permanent(f"{what}: too many redirects", code=codes.BAD_EXCHANGE)
            case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError() | OSError():
                return Transient(f"{what}: the connection broke", code=codes.UNREACHABLE)
        return Permanent(f"{what}: {type(error).__name__}", code=codes.BAD_EXCHANGE)


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case name; several of one name mean the same as one with commas."""
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


@asynccontextmanager
async def session(client: settings.Client) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with the connector's pool and trust, and no memory: no cookies, no `.netrc`."""
    async with aiohttp.ClientSession(
        connector=_connector(client.pool, client.tls),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "octo"},
    ) as opened:
        yield opened


def _connector(pool: settings.Pool, tls: settings.Tls) -> aiohttp.TCPConnector:
    options: dict[str, Any] = {"limit": 0, "ssl": _trust(tls)}
    if pool.disable_keep_alives:
        return aiohttp.TCPConnector(force_close=True, **options)
    return _Pool(pool, keepalive_timeout=pool.idle_conn_timeout.total_seconds(), **options)


def _trust(tls: settings.Tls) -> ssl.SSLContext | bool:
    if tls.insecure_skip_verify:
        return False
    if tls.ca is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(tls.ca))
    except (OSError, ssl.SSLError) as error:
        raise OctoError(f"`tls.ca`: cannot use {tls.ca}: {error}", code=codes.TLS) from error


class _Pool(aiohttp.TCPConnector):
    """aiohttp limits open connections, the flow language limits idle ones: what would be one too many is closed."""

    def __init__(self, pool: settings.Pool, **options: Any) -> None:
        super().__init__(**options)
        self._most = pool.max_idle_conns
        self._most_per_host = pool.max_idle_conns_per_host

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        idle = self._conns
        full = bool(self._most_per_host) and key in idle and len(idle[key]) >= self._most_per_host
        full = full or (bool(self._most) and sum(map(len, idle.values())) >= self._most)
        super()._release(key, protocol, should_close=should_close or full)
