"""Send a request over aiohttp and read its answer; every error becomes one of Octo's."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from octo.connectors.http_client import codes, settings
from octo.connectors.http_client.addresses import Guard, PrivateAddress
from octo.connectors.http_client.connections import connections
from octo.connectors.http_client.encodings import ACCEPTED, Cut, Undecodable, decoded
from octo.connectors.http_client.faults import LONGEST_HEADER, MOST_HEADERS, fault
from octo.connectors.http_client.multipart import Multipart
from octo.connectors.http_client.proxies import Proxies, Proxy
from octo.connectors.http_client.redirects import MOST, following, leads_on, too_many
from octo.connectors.http_client.reply import Reply
from octo.connectors.http_client.request import Data, Request, broken, failed, too_large
from octo.core.errors import NotConnected, Transient
from octo.core.spool import THRESHOLD, Content, Spool

SINGLE = frozenset(("content-type", "location", "expires", "date", "age", "retry-after"))


class Exchange:
    """Sends requests through one session."""

    def __init__(self, session: aiohttp.ClientSession, client: settings.Client, guard: Guard, proxies: Proxies) -> None:
        self._session = session
        self._timeout = client.patience
        self._whole = aiohttp.ClientTimeout(total=self._timeout)
        self._limit = client.max_response_bytes
        self._mode = client.follow_redirects
        self._guard = guard
        self._proxies = proxies

    async def send(self, request: Request, *, redirects: bool = True) -> Reply:
        """Return the whole answer, whatever its status. Cancelling aborts the request: the connection is closed.

        redirects: whether they may be followed, as the connector's settings say.
        """
        clock = asyncio.get_running_loop().time
        patience = request.terms.patience
        ends = clock() + (patience or self._timeout)
        whole = self._whole if patience is None else aiohttp.ClientTimeout(total=patience)
        redirects = redirects and self._mode != "never"
        reply = await self._once(request, whole, redirects)
        if not redirects or not leads_on(reply.status, reply.headers):
            return reply
        return await self._follow(request, reply, lambda: ends - clock())

    async def _follow(self, first: Request, reply: Reply, left: Callable[[], float]) -> Reply:
        """Return the answer at the end of a chain of redirects. All of it has the time of one attempt."""
        requests = [first]
        via = [reply.headers]
        while leads_on(reply.status, reply.headers):
            requests.append(following(requests[-1], reply, self._mode))
            if len(requests) > MOST + 1:
                raise too_many(requests)
            try:
                reply = await self._once(requests[-1], aiohttp.ClientTimeout(total=max(left(), 0.001)), redirects=True)
            except NotConnected as error:  # but the first request was sent, and must not be sent again as if it was not
                raise Transient(str(error), code=error.code) from error
            via.append(reply.headers)
        return replace(reply, via=tuple(via[:-1]))

    async def _once(self, request: Request, timeout: aiohttp.ClientTimeout, redirects: bool) -> Reply:
        """Return the answer to one request. That of a redirect which is followed has no body."""
        proxy = self._proxies.of(request.url)
        try:
            if proxy is not None:
                async with asyncio.timeout(timeout.total):
                    await self._admit(request.url)
            async with self._session.request(
                request.method,
                request.url,
                headers=_headers(request, proxy),
                **_through(proxy),
                data=_payload(request.data),
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                headers = _joined(response.headers)
                if redirects and leads_on(response.status, headers):
                    return Reply(response.status, headers, b"")
                cookies = tuple(map(_text, response.headers.getall("Set-Cookie", ())))
                data = await self._read(response, request)
            reply = Reply(response.status, headers, data, url=str(request.url), cookies=cookies)
            return await self._plain(reply, request)
        except PrivateAddress as error:
            raise failed(request, error, codes.PRIVATE) from error
        except (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError, ValueError) as error:
            raise fault(error, request, request.terms.patience or self._timeout, proxy) from error

    async def _admit(self, url: URL) -> None:
        """Raise `PrivateAddress` if a proxy would be asked for a private address, as far as that can be seen from here.

        A name that is not known here is left to the proxy.
        """
        host, port = url.raw_host or "", url.port or 0
        if self._guard.trusts(host, port):
            return
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            return
        self._guard.check(host, port, (str(address[0]) for *_, address in found))

    async def _read(self, response: aiohttp.ClientResponse, request: Request) -> bytes | Content:
        if response.status == 101:
            raise failed(request, "the server switches to another protocol, which was not asked for")
        if response.status < 200:
            raise failed(request, f"the answer is not valid HTTP: its status is {response.status}")
        limit = self._limit_of(request)
        spool = Spool()
        try:
            async for chunk in response.content.iter_any():
                spool.write(chunk)
                if spool.size > limit:
                    raise too_large(request, limit, response.status)
        except aiohttp.ClientPayloadError as error:
            length = response.headers.get("Content-Length")
            end = f"{spool.size} of {length} bytes" if length else f"{spool.size} bytes, before its last chunk"
            raise broken(request, f"the connection broke: the answer ended after {end}") from error
        return spool.finish()

    def _limit_of(self, request: Request) -> int:
        most = request.terms.most
        return self._limit if most is None else most

    async def _plain(self, reply: Reply, request: Request) -> Reply:
        """Return the answer without its encodings."""
        transfer = reply.headers.get("transfer-encoding", "chunked").lower()
        if transfer not in ("chunked", "identity"):
            raise failed(request, f"the answer has the transfer encoding {transfer[:40]!r}, which was not asked for")
        encoding = reply.headers.get("content-encoding")
        if encoding is None or not reply.data:
            return reply
        limit = self._limit_of(request)
        spool = Spool()
        data = reply.data.mapped() if isinstance(reply.data, Content) else reply.data
        try:
            for number, piece in enumerate(decoded(data, encoding)):
                spool.write(piece)
                if spool.size > limit:
                    raise too_large(request, limit, reply.status)
                if number:
                    await asyncio.sleep(0)  # other tasks get their turn
        except Cut as error:
            raise broken(request, f"the answer is not whole: {error}") from error
        except Undecodable as error:
            if reply.status >= 500:  # it could not answer now, whatever it says
                raise broken(request, f"the answer has status {reply.status}, and {error}") from error
            raise failed(request, error) from error
        return replace(reply, data=spool.finish())


def _payload(data: Data | None) -> Any:
    """Return the body for aiohttp; a large one is sent in pieces, so that other tasks get their turn."""
    if data is None:
        return None
    if isinstance(data, bytes):
        return data if len(data) <= THRESHOLD else BytesIO(data)
    return _Stream(data)


class _Stream:
    """Large content for aiohttp. Each attempt reads it from its beginning."""

    def __init__(self, content: Content | Multipart) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._content.stream():
            yield piece


def _through(proxy: Proxy | None) -> Mapping[str, Any]:
    """Return what tells aiohttp of a proxy. The headers are for the request that opens a tunnel."""
    if proxy is None:
        return {}
    headers = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
    return {"proxy": proxy.url, "proxy_headers": headers}


def _headers(request: Request, proxy: Proxy | None) -> Mapping[str, str]:
    """Return the headers, for large content with its length; aiohttp adds that of bytes itself."""
    headers = {**request.context, **request.headers} if request.context else request.headers
    if isinstance(request.data, Content | Multipart):
        headers = {**headers, "Content-Length": str(request.data.size)}
    if proxy is not None and proxy.authorization and request.url.scheme == "http":  # there is no tunnel
        headers = {**headers, "Proxy-Authorization": proxy.authorization}
    return headers


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by lower-case name; the values of one name are joined with commas, which means the same.

    Of those that have one value the first counts, if a server or a proxy writes them twice.
    """
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        text = value if value.isascii() else _text(value)
        if key not in joined:
            joined[key] = text
        elif key not in SINGLE:
            joined[key] = f"{joined[key]}, {text}"
    return joined


def _text(value: str) -> str:
    """Return a value as UTF-8, or as Latin-1 if it is not; the library leaves half characters for such bytes."""
    data = value.encode("utf-8", "surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


@asynccontextmanager
async def exchanging(client: settings.Client) -> AsyncIterator[Exchange]:
    """Yield an exchange with the connector's pool and TLS settings. It keeps no cookies and reads no `.netrc`."""
    proxies = Proxies(client.proxy, os.environ)
    guard = _guard(client, proxies)
    async with aiohttp.ClientSession(
        connector=connections(client.pool, client.tls, guard),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "octo", "Accept-Encoding": ACCEPTED},
        skip_auto_headers=("Content-Type",),
        auto_decompress=False,
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        max_headers=MOST_HEADERS,
    ) as session:
        # aiohttp would send a request again by itself; how often one is sent is for `retry` to say.
        session._retry_connection = False  # noqa: SLF001  there is no option
        yield Exchange(session, client, guard, proxies)


def _guard(client: settings.Client, proxies: Proxies) -> Guard:
    own = set()
    for url in (URL(address) for address in (client.base_url, client.auth.token_url) if address):
        ports = (80, 443) if url.is_default_port() else (url.port or 0,)  # the same server with TLS
        own |= {(url.raw_host or "", port) for port in ports}
    return Guard(client.private_addresses, own, ((each.url.raw_host or "", each.url.port or 0) for each in proxies))
