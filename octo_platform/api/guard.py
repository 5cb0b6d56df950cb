"""What every request passes before its route is looked for: an id, the right host, a size, and headers for browsers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from octo_platform.api.proxies import Proxies
from octo_platform.ids import new_id
from octo_platform.problem import Problem
from octo_platform.web.routing import LARGEST, UPLOADS

SMALL = re.compile(r"/api/v1/(?:setup|session|device)(?:/.*)?|/auth/.*")
"""Paths that everybody reaches: what stands there is short, and nobody shall make us read more."""

LARGEST_SMALL = 16 << 10
LARGEST_UPLOAD = 24 << 20
"""Bytes of a request body of what is in `SMALL`, and in `UPLOADS`."""

PATIENCE = 30.0
SLOWEST = 20_000
"""A body has so many seconds, and one more for as many bytes of it as these."""

_LONGEST_TARGET = 8192

_CLOSING = {"Connection": "close"}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


class Guard:
    """See the module. hosts: names by which it may be called. is_secure: whether browsers come by https.

    proxies: networks of the proxies that are trusted.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], *, is_secure: bool, proxies: Collection[str] = ()) -> None:
        self._app = app
        self._proxies = Proxies(proxies)
        self._hosts = frozenset(hosts)
        extra = {"Strict-Transport-Security": "max-age=31536000"} if is_secure else {}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in (HEADERS | extra).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id_ = new_id()
        scope.setdefault("state", {})["id"] = id_
        scope["client"] = self._proxies.client(scope)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._marked(scope, message["headers"], id_)
            await send(message)

        try:
            self._check(scope)
        except Problem as problem:
            await _refuse(problem, answer)
            return
        limit = _limit(scope["path"])
        body = _Bounded(receive, limit)
        if body.is_too_large(scope):
            await _refuse(Problem("too-large", f"a request here has at most {limit:,} bytes"), answer)
            return
        await self._app(scope, body.receive, answer)

    def _check(self, scope: Scope) -> None:
        if len(scope["raw_path"]) + len(scope["query_string"]) > _LONGEST_TARGET:
            raise Problem("too-large", "the address is too long")
        given = {name for name, _ in scope["headers"]}
        if {b"content-length", b"transfer-encoding"} <= given:
            # One who reads the length and one who reads the chunks see two different next requests (RFC 9112, 6.3).
            raise Problem("malformed", "a request has a length or chunks, and not both").with_headers(_CLOSING)
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or name_of(hosts[0]) not in self._hosts:
            raise Problem("wrong-host", "the Host header names a server that this one is not")

    def _marked(self, scope: Scope, headers: Any, id_: str) -> list[tuple[bytes, bytes]]:
        given = {name for name, _ in headers}
        added = [each for each in self._headers if each[0] not in given]
        if b"cache-control" not in given and scope["path"].startswith("/api/"):
            added.append((b"cache-control", b"no-store"))
        return [*headers, *added, (b"x-request-id", id_.encode())]


class _Bounded:
    """The body of a request, refused once it is larger than it may be, or comes too slowly."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit
        self._limit = limit
        self._is_whole = False
        self._until = asyncio.get_running_loop().time() + PATIENCE

    def is_too_large(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"content-length"]
        return any(value.isdigit() and int(value) > self._limit for value in given)

    async def receive(self) -> MutableMapping[str, Any]:
        if self._is_whole:  # it waits until the client has gone
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None  # FastAPI takes any other exception for malformed JSON
        if message["type"] == "http.request":
            size = len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)
            self._left -= size
            self._until += size / SLOWEST
            if self._left < 0:
                raise HTTPException(413)
        return message


def name_of(host: str) -> str:
    """The name in a Host header, without the port, in small letters."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]@/\s]+)(?::\d{1,5})?", host)
    return match[1].lower() if match else ""


def _limit(path: str) -> int:
    if SMALL.fullmatch(path):
        return LARGEST_SMALL
    return LARGEST_UPLOAD if UPLOADS.fullmatch(path) else LARGEST


async def _refuse(problem: Problem, send: Send) -> None:
    body = json.dumps(problem.as_json()).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
