"""A server that is replayed from a cassette."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from yarl import URL

from octo.connectors.http_client import settings
from octo.connectors.http_client.answers import Answers, below, spooled, within
from octo.connectors.http_client.caller import Transport
from octo.connectors.http_client.multipart import Multipart
from octo.connectors.http_client.reply import Reply
from octo.connectors.http_client.request import Request
from octo.core import codec
from octo.core.cassette import Plain, Player
from octo.core.charsets import encode, taken
from octo.core.cleaned import covered
from octo.core.content import BINARY
from octo.core.secrets import MASKED
from octo.core.spool import Content

_LARGE = 64 * 1024
"""Bytes of a request from which on only a digest of it is kept."""
_FORM = "application/x-www-form-urlencoded"
_OF_ONE_CALL = re.compile(
    "age|alt-svc|cf-ray|connection|content-(encoding|length)|date|keep-alive|nel|report-to|server|server-timing|"
    "strict-transport-security|trace(parent|state)|trailer|transfer-encoding|upgrade|via|"
    "x-(response-time|runtime)|(x-)?(amzn?-)?(correlation|request|trace)-?id"
)
"""Headers that are about this call and its connection, not about what was asked for."""


class Replaying:
    """A transport (`octo.connectors.http_client.caller.Transport`) with a cassette.

    answers: those of the stub, which win. real: the server, None while nothing may be called.
    """

    def __init__(self, client: settings.Client, answers: Answers, player: Player, real: Transport | None) -> None:
        self._base = URL(client.base_url)
        self._limit = client.max_response_bytes
        self._answers = answers
        self._player = player
        self._real = real

    async def send(self, request: Request, *, redirects: bool = True) -> Reply:
        """Return the whole answer, whatever its status."""
        if self._answers.fit(request):
            return await self._answers.send(request)
        real = self._real

        async def call() -> Reply:
            assert real is not None
            return await real.send(request, redirects=redirects)

        reply = await self._player.play(
            asked(self._base, request), call, write=partial(written, request), read=partial(replied, request)
        )
        return within(reply, request, self._limit)


def asked(base: URL, request: Request) -> Plain:
    """Return a request as a cassette has it."""
    url = request.url
    path = below(base, url) if url.origin() == base.origin() else request.target
    found: dict[str, Any] = {"method": request.method, "path": path}
    if url.query:
        found["query"] = {name: _one(url.query.getall(name)) for name in sorted(set(url.query))}
    return found | _body(request)


def _one(values: list[str]) -> object:
    return values[0] if len(values) == 1 else values


def _body(request: Request) -> dict[str, object]:
    data = request.data
    if data is None or len(data) == 0:
        return {}
    kind = request.header("content-type") or ""
    if isinstance(data, Multipart):
        # The boundary is another one each time.
        whole = bytes(data).replace(data.kind.rpartition("boundary=")[2].encode(), b"boundary")
        return {"digest": _digest(whole)} if len(whole) > _LARGE else {"text": taken(whole, "text/plain")}
    if isinstance(data, Content) or len(data) > _LARGE:
        return {"digest": _digest(bytes(data))}
    if _FORM in kind:
        return {"form": _pairs(data.decode(errors="replace"))}
    return _value(data, kind)


def _pairs(text: str) -> dict[str, object]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return {name: _one(values) for name, values in sorted(found.items())}


def _digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()} of {len(data)} bytes"


def _value(data: bytes, kind: str) -> dict[str, object]:
    """Return a body as JSON, or as it is."""
    if "json" in kind or not kind or data.lstrip()[:1] in (b"{", b"["):
        try:
            return {"body": codec.body(data, kind)}
        except codec.NotJson:
            pass
    text = taken(data, kind or "text/plain")
    return {"text": str(text) if isinstance(text, str) else text}


def written(request: Request, reply: Reply) -> Plain:
    """Return an answer as a cassette has it."""
    headers: dict[str, object] = {
        name: value for name, value in sorted(reply.headers.items()) if not _OF_ONE_CALL.fullmatch(name)
    }
    if reply.cookies:
        headers["set-cookie"] = [_eaten(each) for each in reply.cookies]
    found: dict[str, object] = {"status": reply.status, **({"headers": headers} if headers else {})}
    if reply.url and reply.url != str(request.url):
        found["url"] = reply.url
    return found | (_value(bytes(reply.data), reply.headers.get("content-type", "")) if len(reply.data) else {})


def _eaten(cookie: str) -> str:
    """Return a `Set-Cookie` without the cookie's value."""
    try:
        names = list(SimpleCookie(cookie))
    except CookieError:
        names = []
    name, _, rest = cookie.partition("=")
    value, semicolon, attributes = rest.partition(";")
    return f"{name}={covered(value, name)}{semicolon}{attributes}" if names else MASKED


def replied(request: Request, plain: Mapping[str, Any]) -> Reply:
    """Return the answer that a cassette has."""
    headers: dict[str, str] = {}
    cookies: tuple[str, ...] = ()
    for name, value in (plain.get("headers") or {}).items():
        values = [value] if isinstance(value, str) else value
        headers[name.lower()] = ", ".join(values)
        if name.lower() == "set-cookie":
            cookies = tuple(values)
    kind = headers.get("content-type", "")
    data = b""
    if "body" in plain:
        data = codec.write_kinds(plain["body"])
    elif (text := plain.get("text")) is not None:
        data = text if isinstance(text, bytes) else encode(text, kind or BINARY)
    url = plain.get("url") or str(request.url)
    return Reply(plain["status"], headers, spooled(request, data), url=url, cookies=cookies)
