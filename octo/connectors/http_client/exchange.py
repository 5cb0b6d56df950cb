"""Send a request over aiohttp and read its answer; every error becomes one of Octo's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import aiohttp

from octo.connectors.http_client import codes, settings
from octo.connectors.http_client.connections import connections
from octo.connectors.http_client.reply import Reply
from octo.connectors.http_client.request import Request, broken, cannot_connect, failed, too_large, too_slow
from octo.core.errors import OctoError
from octo.core.spool import THRESHOLD, Content


class Exchange:
    """Sends requests through one session."""

    def __init__(self, session: aiohttp.ClientSession, timeout: float, limit: int) -> None:
        self._session = session
        self._timeout = timeout
        self._limit = limit

    async def send(self, request: Request, *, redirects: bool = True) -> Reply:
        """Return the whole answer, whatever its status. Cancelling aborts the request: the connection is closed."""
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=_with_length(request),
                data=_payload(request.data),
                allow_redirects=redirects,
                skip_auto_headers=("Content-Type",),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
            ) as response:
                data = await self._read(response, request)
                return Reply(response.status, _joined(response.headers), data)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._said(error, request) from error

    async def _read(self, response: aiohttp.ClientResponse, request: Request) -> bytes:
        chunks = []
        size = 0
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._limit:
                raise too_large(request, self._limit, response.status)
        return b"".join(chunks)

    def _said(self, error: Exception, request: Request) -> OctoError:
        match error:
            case TimeoutError():
                return too_slow(request, self._timeout)
            case aiohttp.ClientConnectorCertificateError():
                return failed(request, error.certificate_error, codes.TLS)
            case aiohttp.ClientConnectorError():
                return cannot_connect(request, error.os_error.strerror or error.os_error)
            case aiohttp.TooManyRedirects():
                return failed(request, "too many redirects")
            case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError() | OSError():
                return broken(request)
        return failed(request, type(error).__name__)


def _payload(data: bytes | Content | None) -> Any:
    """Return the body for aiohttp; a large one is sent in pieces, so that other tasks get their turn."""
    if isinstance(data, Content):
        return _Stream(data)
    return data if data is None or len(data) <= THRESHOLD else BytesIO(data)


class _Stream:
    """Large content for aiohttp. Each attempt reads it from its beginning."""

    def __init__(self, content: Content) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._content.stream():
            yield piece


def _with_length(request: Request) -> Mapping[str, str]:
    """Return the headers, for large content with its length; aiohttp adds that of bytes itself."""
    if not isinstance(request.data, Content):
        return {**request.context, **request.headers} if request.context else request.headers
    return {**request.context, **request.headers, "Content-Length": str(request.data.size)}


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by lower-case name; the values of one name are joined with commas, which means the same."""
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


@asynccontextmanager
async def exchanging(client: settings.Client) -> AsyncIterator[Exchange]:
    """Yield an exchange with the connector's pool and TLS settings. It keeps no cookies and reads no `.netrc`."""
    async with aiohttp.ClientSession(
        connector=connections(client.pool, client.tls),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "octo"},
    ) as session:
        # aiohttp would send a request again by itself; how often one is sent is for `retry` to say.
        session._retry_connection = False  # noqa: SLF001  there is no option
        yield Exchange(session, client.patience, client.max_response_bytes)
