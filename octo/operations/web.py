"""Requests, responses and routes: the part of HTTP that a handler of the operations port sees."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

import orjson

from octo.operations.guard import Guard

S = TypeVar("S")

log = logging.getLogger("octo.operations")

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


class Request(NamedTuple):
    """A request. headers: by lower-case name. path: percent-decoded. parts: values of the `{name}`s in the route."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    parts: Mapping[str, str] = {}

    @property
    def wants_json(self) -> bool:
        return JSON in self.headers.get("accept", "")


class Response(NamedTuple):
    """A response. body: all of it, or a generator whose pieces are sent as they come; it is closed at the end."""

    status: int
    body: bytes | AsyncGenerator[bytes, None]
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


def text(body: str, status: int = 200) -> Response:
    return Response(status, f"{body}\n".encode())


def as_json(value: object, status: int = 200) -> Response:
    return Response(status, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE), JSON)


class Refused(Exception):
    """A request that cannot be served. The text is sent to the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Route(NamedTuple, Generic[S]):
    """A method, a path and the handler of such requests. A `{name}` segment of the path stands for any text, and
    `{name*}` at its end for all segments that follow.

    says: what the route is for, shown in the index. guarded: see `octo.operations.guard`.
    """

    method: str
    path: str
    handler: Callable[[S, Request], Awaitable[Response]]
    says: str = ""
    guarded: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """Return the values of the `{name}` segments, or None if the path does not match."""
        wanted, given = self.path.split("/"), path.split("/")
        if wanted[-1].endswith("*}") and len(given) > len(wanted):
            given = [*given[: len(wanted) - 1], "/".join(given[len(wanted) - 1 :])]
        if len(wanted) != len(given):
            return None
        pairs = list(zip(wanted, given, strict=True))
        if any(each != found for each, found in pairs if not each.startswith("{")):
            return None
        return {each[1:-1].removesuffix("*"): found for each, found in pairs if each.startswith("{")}


Serve = Callable[[Request], Awaitable[Response]]
"""What answers a request."""


class App(Generic[S]):
    """Calls the handler of a request. Whatever a handler does, there is a response, and it shows no internals."""

    def __init__(self, state: S, guard: Guard, routes: Iterable[Route[S]]) -> None:
        self._state = state
        self._guard = guard
        self._routes = tuple(routes)

    async def __call__(self, request: Request) -> Response:
        try:
            return await self._serve(request)
        except Refused as refused:
            return text(str(refused), refused.status)
        except Exception:
            log.exception("a request to the operations port failed")
            return text("internal error; see the log", 500)

    async def _serve(self, request: Request) -> Response:
        if refusal := self._guard.host_refusal(request.headers):
            return text(refusal, 403)
        found = [(route, parts) for route in self._routes if (parts := route.match(request.path)) is not None]
        if not found:
            return text("there is no such path; / lists the paths", 404)
        method = "GET" if request.method == "HEAD" else request.method
        for route, parts in found:
            if route.method == method:
                if route.guarded and (refusal := self._guard.refusal(request.headers)):
                    return text(refusal, 403)
                return await route.handler(self._state, request._replace(parts=parts))
        allowed = ", ".join(dict.fromkeys(route.method for route, _ in found))
        return text(f"only {allowed} here", 405)._replace(headers=(("allow", allowed),))
