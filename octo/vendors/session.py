"""The connections to a vendor: one request, one answer, within bounds of time and size."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from octo.core import codec
from octo.core.errors import NotConnected, Permanent, Timeout, Transient
from octo.core.secrets import masked
from octo.core.tls import ClientTls, reason
from octo.vendors import codes
from octo.vendors.settings import Called

MOST = 16 * 1024 * 1024
"""Bytes of an answer."""

Query = Sequence[tuple[str, str]]


class Answer(NamedTuple):
    """What a vendor has answered. retry_after: the header of that name, "" without one."""

    status: int
    data: bytes
    retry_after: str = ""


class Transport(Protocol):
    """Sends one request."""

    async def send(self, method: str, url: str, body: object, query: Query) -> Answer:
        """Return the whole answer, whatever its status. Raises errors of `octo.core.errors`."""
        ...


class Session:
    """Sends requests over aiohttp. name: how errors call the vendor. headers: of each request, the key among them."""

    def __init__(self, client: Any, name: str, headers: Mapping[str, str], seconds: float) -> None:
        self._session = client
        self._name = name
        self._headers = headers
        self._seconds = seconds

    async def send(self, method: str, url: str, body: object, query: Query) -> Answer:
        import aiohttp

        data = None if body is None else codec.write(body)
        kind = {} if data is None else {"Content-Type": "application/json"}
        seconds = self._seconds
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
                return Answer(response.status, await self._bytes(response), response.headers.get("Retry-After", ""))
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


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for this address. aiohttp would look into `.netrc`, too."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in ("localhost", "127.0.0.1", "::1") or urllib.request.proxy_bypass_environment(host):  # type: ignore[attr-defined]
        return None
    return urllib.request.getproxies_environment().get(parts.scheme)


@asynccontextmanager
async def session(name: str, headers: Mapping[str, str], settings: Called) -> AsyncIterator[Session]:
    """Yield the connections, none of which is made before it is needed."""
    aiohttp = await asyncio.to_thread(import_module, "aiohttp")  # it takes its time
    secure = True if settings.tls == ClientTls() else await asyncio.to_thread(settings.tls.context)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=secure),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "octo", "Accept": "application/json"},
    ) as client:
        client._retry_connection = False  # noqa: SLF001  there is no option; `maxAttempts` says how often
        yield Session(client, name, headers, settings.timeout.total_seconds())
