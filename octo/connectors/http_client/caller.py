"""From a block's request to an answer: credentials, cache, retries, transport, in this order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from yarl import URL

from octo.connectors.http_client import settings
from octo.connectors.http_client.auth import SHORTEST, Credentials, credentials
from octo.connectors.http_client.cache import Cache
from octo.connectors.http_client.codes import BAD_HEADER
from octo.connectors.http_client.reply import Reply, failure, into, variables
from octo.connectors.http_client.request import USUAL, Data, Request, Terms
from octo.connectors.http_client.rest import Received
from octo.connectors.http_client.retry import Retries
from octo.core.errors import OctoError, Permanent
from octo.core.message import Message
from octo.core.secrets import MASKED
from octo.core.trace import effect

DOWNLOAD = 1 << 30
"""Bytes that a download may have unless its block or its connector says otherwise."""


class Transport(Protocol):
    """Sends one request and returns its answer."""

    async def send(self, request: Request, *, redirects: bool = True) -> Reply:
        """Return the whole answer, whatever its status."""
        ...


class Caller:
    """Calls the server that one connector's settings describe.

    header_names: those of its own headers, in lower case.
    """

    def __init__(self, client: settings.Client, transport: Transport) -> None:
        self._base = URL(client.base_url)
        self._headers = client.headers
        self.header_names = {name.lower() for name in client.headers}
        self._transport = transport
        self.cache = Cache(client.cache)
        self.retries = Retries(client.retry)
        self.credentials: Credentials | None = credentials(client.auth, self._fetch)
        self._targets: dict[str, URL] = {}
        self.redirects = client.follow_redirects
        limited = "max_response_bytes" in client.model_fields_set
        self.most_of_download = client.max_response_bytes if limited else DOWNLOAD
        self._correlation = client.correlation_id_header

    def correlated(self, id: str, headers: Mapping[str, str]) -> dict[str, str]:  # noqa: A002  the usual word
        """Return the header that carries a message's correlation id, unless the request or the connector has it."""
        name = self._correlation
        if not id or not name or not id.isascii() or not id.isprintable():
            return {}
        return {} if name.lower() in {each.lower() for each in headers} | self.header_names else {name: id}

    def target(self, path: str) -> URL:
        """Return the address of a path below the base. It is kept: for the paths of settings, of which few exist."""
        target = self._targets.get(path)
        if target is None:
            target = self._targets[path] = join(self._base, path)
        return target

    def below(self, path: str, *, encoded: bool) -> URL:
        """Return the address of a path below the base. encoded: whether the path is escaped already."""
        return join(self._base, path, encoded=encoded)

    def request(
        self,
        method: str,
        target: URL,
        query: Sequence[tuple[str, str]],
        headers: dict[str, str],
        data: Data | None,
        context: Mapping[str, str],
        terms: Terms = USUAL,
    ) -> Request:
        """Return a request to an address with further parameters of the query.

        The given headers win over the connector's, and both over those of the context.
        """
        given = {name.lower() for name in headers}
        if "host" in given:
            _check_host(headers)
        defaults = {name: value for name, value in self._headers.items() if name.lower() not in given}
        if context and self.header_names:
            context = {name: value for name, value in context.items() if name.lower() not in self.header_names}
        url = target.extend_query(query) if query else target
        return Request(method, url, {**defaults, **headers}, data, context, terms)

    async def call(self, request: Request) -> Reply:
        """Return the answer, whatever its status."""
        header = None
        if self.credentials is not None and request.trusted and request.header("authorization") is None:
            header = await self.credentials.header()
            request = request.with_header("Authorization", header)
        kept = self.cache.get(request)
        if kept is not None:
            return kept
        began = self.cache.begin()
        try:
            reply = await self.retries.send(request, self._attempt)
            if reply.status == 401 and header is not None and self.credentials is not None:
                request, reply = await self._again(request, reply, header)
        except BaseException:
            self.cache.change(request)  # it may have been carried out
            raise
        self.cache.put(request, reply, began)
        return reply

    async def ask(self, request: Request, received: Received, message: Message) -> tuple[Reply, Message]:
        """Return the answer, and the message with it. Raises an error for an answer that the block does not accept."""
        reply = await self.call(request)
        if received.accepts(reply.status):
            return reply, into(message, reply, received)
        raise failure(
            reply,
            f"rest request to {request.target}",
            variables(reply, received),
            hide=lambda text: self.hide(hidden(text, request)),
            expected=received.expect,
        )

    def hide(self, text: str) -> str:
        """Return the text without the credentials."""
        return text if self.credentials is None else self.credentials.hide(text)

    async def _again(self, request: Request, reply: Reply, header: str) -> tuple[Request, Reply]:
        """Try once more with a new token: the old one may have been revoked before its expiry."""
        assert self.credentials is not None
        if not self.credentials.refused(header):
            return request, reply
        request = request.with_header("Authorization", await self.credentials.header())
        return request, await self.retries.send(request, self._attempt)

    async def _fetch(self, request: Request) -> Reply:
        # Client credentials go only to the configured address: no redirect is followed.
        return await self._attempt(request, redirects=False)

    async def _attempt(self, request: Request, *, redirects: bool = True) -> Reply:
        clock = asyncio.get_running_loop().time
        began = clock()
        seen: dict[str, object] = {"method": request.method, "url": request.target, "status": None}
        try:
            reply = await self._transport.send(request, redirects=redirects)
            seen["status"] = reply.status
        except OctoError as error:
            seen |= {"status": error.status, "error": error.code}
            raise
        finally:
            effect("http", **seen, seconds=round(clock() - began, 6))
        return reply


def _check_host(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if name.lower() == "host" and not settings.is_host(value):
            raise Permanent(f"the header {name} must be a name or an address, with a port or without", code=BAD_HEADER)


def hidden(text: str, request: Request) -> str:
    """Return the text without the credentials that the block sent: a server may repeat them."""
    token = (request.header("authorization") or "").partition(" ")[2]
    return text.replace(token, MASKED) if len(token) >= SHORTEST else text


def join(base: URL, path: str, *, encoded: bool = False) -> URL:
    """Return the path below the base, joined with one slash; the base's query comes first."""
    below = URL("/" + path.lstrip("/"), encoded=encoded)  # with a slash, or `items:search` would be taken for a scheme
    target = base
    if below.raw_path != "/":
        target = base.with_path(base.raw_path.rstrip("/") + below.raw_path, encoded=True)
    return target.with_query(base.query).extend_query(below.query)
