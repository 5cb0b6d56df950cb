"""What answers the requests of a browser: the files of the page, and the API below /api."""

from __future__ import annotations

import asyncio
import errno
import logging
import mimetypes
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

from octo.cli.authoring import codes as authoring
from octo.cli.authoring.refusal import Refused
from octo.cli.editing import codes
from octo.cli.editing.entrance import Entrance
from octo.core import codec
from octo.core.json_schema import Schema
from octo.operations.web import JSON, Request, Response, Route

S = TypeVar("S")

log = logging.getLogger("octo.editing")

MOST_BODY = 64 << 20
"""Bytes of a request: unsaved texts of a project, with test data."""


def _policy(styles: str = "") -> str:
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


HEADERS = (
    ("content-security-policy", _policy()),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
)
"""With every response, beside `nosniff` and `no-store`."""

STATUS: Mapping[str, int] = {
    codes.FOREIGN: 403,
    codes.LINK: 401,
    codes.UNCONDITIONAL: 428,
    codes.UNWRITTEN: 507,
    codes.REQUEST: 400,
    codes.BROKE: 500,
    codes.GONE: 410,
    codes.SUPERSEDED: 409,
    authoring.OUTSIDE: 403,
    authoring.STALE: 412,
    authoring.KIND: 415,
    authoring.SIZE: 413,
    authoring.LATE: 504,
    authoring.BROKE: 502,
    authoring.MISSING: 404,
    authoring.ARGUMENT: 400,
    authoring.RUN: 409,
}
"""The status of a response that tells of this code."""

_ASSET = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
_PAGE = "/index.html"
_NONCE = b'nonce="NONCE"'
"""Where `editor/index.html` wants it."""


class Given(NamedTuple):
    """What a handler is asked: the request, and its body as JSON, {} without one."""

    request: Request
    body: Mapping[str, Any]

    @property
    def parts(self) -> Mapping[str, str]:
        return self.request.parts

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")


class Call(Generic[S]):
    """A call of the API. takes: the JSON Schema of each member of its body; `needs`: which must be there.

    is_open: whether it needs no session.
    """

    def __init__(
        self,
        method: str,
        path: str,
        handler: Callable[[S, Given], Awaitable[Response]],
        takes: Mapping[str, Any] | None = None,
        needs: tuple[str, ...] = (),
        *,
        is_open: bool = False,
    ) -> None:
        self.route: Route[S] = Route(method, f"/api{path}", self._never)
        self.handler = handler
        self.is_open = is_open
        self.takes = takes
        self._needs = needs

    @staticmethod
    async def _never(state: S, request: Request) -> Response:
        raise NotImplementedError

    @cached_property
    def _judge(self) -> Schema:
        known = {"properties": dict(self.takes or {}), "required": list(self._needs), "additionalProperties": False}
        return Schema({"type": "object", **known})

    def given(self, request: Request) -> Given:
        """The request with its body. Raises `Refused` if that is none that it takes."""
        if self.takes is None or not (request.body or self._needs):
            return Given(request, {})
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise Refused(codes.REQUEST, f"the body must be {JSON}")
        try:
            body = codec.read(request.body)
        except ValueError as error:
            raise Refused(codes.REQUEST, f"the body is no JSON: {error}") from None
        faults = [f"{each.pointer[1:]} {each.message}".lstrip() for each in self._judge.faults(body)]
        if faults:
            raise Refused(codes.REQUEST, "the body is not what this takes", "; ".join(faults[:10]))
        assert isinstance(body, Mapping)
        return Given(request, body)


def answer(value: object, status: int = 200, *headers: tuple[str, str]) -> Response:
    """A value as JSON."""
    return Response(status, codec.write(value), JSON, headers)


class App(Generic[S]):
    """Answers each request, whatever its handler does. built: the folder of the page."""

    def __init__(self, state: S, entrance: Entrance, calls: Iterable[Call[S]], built: Path) -> None:
        self._state = state
        self._entrance = entrance
        self._calls = tuple(calls)
        self._built = built

    async def __call__(self, request: Request) -> Response:
        try:
            found = await self._served(request)
        except Refused as error:
            found = _refusal(error)
        except OSError as error:
            found = _refusal(_unwritten(error))
        except Exception:
            log.exception("a request of the editor failed")
            found = _refusal(Refused(codes.BROKE, "the server broke; its terminal says more"))
        own = {name for name, _ in found.headers}
        return found._replace(headers=(*(each for each in HEADERS if each[0] not in own), *found.headers))

    async def _served(self, request: Request) -> Response:
        self._entrance.check(request.method, request.headers)
        if not request.path.startswith("/api/"):
            return await self._asset(request)
        call, parts = self._called(request)
        if not call.is_open:
            self._entrance.admit(request.headers)
        return await call.handler(self._state, call.given(request._replace(parts=parts)))

    def _called(self, request: Request) -> tuple[Call[S], Mapping[str, str]]:
        found = [(each, parts) for each in self._calls if (parts := each.route.match(request.path)) is not None]
        method = "GET" if request.method == "HEAD" else request.method
        for each, parts in found:
            if each.route.method == method:
                return each, parts
        if not found:
            raise Refused(authoring.MISSING, "the API has no such path")
        allowed = ", ".join(each.route.method for each, _ in found)
        raise Refused(codes.REQUEST, f"only {allowed} here")

    async def _asset(self, request: Request) -> Response:
        """A file of the page. It is built by us: whoever may reach the port may have it."""
        path = _PAGE if request.path == "/" else request.path
        if request.method not in ("GET", "HEAD"):
            raise Refused(codes.REQUEST, "only GET, HEAD here")
        if not _ASSET.fullmatch(path):
            raise Refused(authoring.MISSING, "there is no such page")
        try:
            data = await asyncio.to_thread((self._built / path[1:]).read_bytes)
        except OSError:
            raise Refused(authoring.MISSING, "there is no such page") from None
        return _page(data) if path == _PAGE else Response(200, data, _type(path))


def _page(data: bytes) -> Response:
    """The page, with a nonce of its own: its text editor writes styles as it goes."""
    nonce = secrets.token_urlsafe(16)
    policy = ("content-security-policy", _policy(f" 'nonce-{nonce}'"))
    return Response(200, data.replace(_NONCE, f'nonce="{nonce}"'.encode()), _type(_PAGE), (policy,))


def _type(path: str) -> str:
    kind = {".js": "text/javascript", ".woff2": "font/woff2"}.get(Path(path).suffix) or mimetypes.guess_type(path)[0]
    text = "; charset=utf-8" if kind and kind.startswith("text/") else ""
    return f"{kind or 'application/octet-stream'}{text}"


def _refusal(error: Refused) -> Response:
    return Response(STATUS.get(error.code, 400), orjson.dumps(error.as_json()), JSON)


def _unwritten(error: OSError) -> Refused:
    if error.errno == errno.ENOENT:
        return Refused(codes.GONE, "the folder, or a part of it, is gone", "put it back, or open it where it is now")
    reason = os.strerror(error.errno or 0).lower()
    return Refused(codes.UNWRITTEN, f"nothing was written: {reason}", "the text is kept in the page: save it again")
