"""Requests without a network: tests send them through the real routes and read the real responses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from octo.connectors.http import frames
from octo.connectors.http.call import Truncated
from octo.connectors.http.dispatch import Dispatch
from octo.connectors.http.fields import HeaderName, HeaderValue, Method, complain
from octo.connectors.http.head import Head, Headers
from octo.connectors.http.patterns import Pattern
from octo.connectors.http.settings import Server
from octo.connectors.http.sources import Route, Static
from octo.core import codec
from octo.core.charsets import encode, taken
from octo.core.content import BINARY
from octo.core.errors import Permanent
from octo.core.settings import Settings

ADDRESS = ("localhost", 80)
"""The address in logs and URLs, where there is no listener."""


def _word(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Word = Annotated[str, BeforeValidator(_word), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""A text. A number or boolean becomes its text."""


class Stub(Settings):
    """Opens no port. Everything behind it is real: routes, limits, CORS, deadlines, responses."""


class Request(Settings):
    """A request to the routes of the connector; the response is `{status, headers, body}`.

    Of a stream of server-sent events, `body` is the text, and `events` is a list of `{event, id, retry, data}`, each
    without what it lacks; data that is JSON is parsed.
    """

    method: Method | None = None
    """The HTTP method. Default: GET, or POST with a body."""
    path: str | None = None
    """Path as a caller writes it, with the connector's `basePath`; may have a query. Default: the path of the route,
    if that has no parameters."""
    query: dict[str, Word] = Field(default_factory=dict)
    """Query parameters, encoded as needed."""
    headers: dict[HeaderName, Annotated[HeaderValue, BeforeValidator(_word)]] = Field(default_factory=dict)
    """Request headers. Length and type of the body are added. A `Content-Length` that is larger than the body stands
    for a caller who stops in the middle."""
    json_: Annotated[object, Field(alias="json")] = None
    """Any value as a JSON body, null included."""
    text: str | bytes | None = None
    """A body as it is, e.g. one that is not JSON: a text, in the charset of a `Content-Type` under `headers`, or bytes
    (`!!binary`)."""
    events: int = Field(default=0, ge=0)
    """The client goes away after so many server-sent events. Default: it stays until the stream ends."""

    @field_validator("path")
    @classmethod
    def _is_a_path(cls, path: str | None) -> str | None:
        if path is not None and (not path.startswith("/") or re.search(r"[\x00-\x20#\x7f]", path)):
            raise complain("a path starts with a slash, and has no spaces and no `#`")
        return path

    @field_validator("headers")
    @classmethod
    def _is_a_length(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if name.lower() == "content-length" and not re.fullmatch(r"[0-9]{1,18}", value):
                raise complain(f"the header {name} must be a number of bytes")
        return headers

    @model_validator(mode="after")
    def _one_body(self) -> Request:
        if self._has_json and self.text is not None:
            raise complain("a request has one body: write `json` or `text`")
        return self

    @property
    def _has_json(self) -> bool:
        return "json_" in self.model_fields_set

    @property
    def body(self) -> bytes | None:
        if self._has_json:
            return codec.write(self.json_)
        if not isinstance(self.text, str):
            return self.text
        return encode(
            self.text, next((each for name, each in self.headers.items() if name.lower() == "content-type"), "")
        )

    @property
    def _kind(self) -> str:
        if self._has_json:
            return "application/json"
        return BINARY if isinstance(self.text, bytes) else "text/plain; charset=utf-8"

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers by lower-case name, with those that every client adds."""
        headers = {"host": ADDRESS[0]}
        body = self.body
        if body is not None:
            headers |= {
                "content-type": self._kind,
                "content-length": str(len(body)),
            }
        headers |= {name.lower(): value for name, value in self.headers.items()}
        if "transfer-encoding" in headers:
            headers.pop("content-length", None)
        return headers


async def ask(dispatch: Dispatch, request: Request, path: str) -> dict[str, object]:
    """Send a request to this path and return what a client would see. Cancelling means that the client goes away."""
    call = _Call(request, path)
    dispatch.serve(call)
    try:
        await call.proto.ended.wait()
    finally:
        call.proto.leave()
    await call.over.wait()
    return call.proto.reply(call.scope.method)


def path_of(request: Request, server: Server, route: Route | Static) -> str:
    """Return the path that the request goes to: its own, else that of the route."""
    if request.path is not None:
        return request.path
    pattern = Pattern.parse(route.path, server.base_path)
    if pattern.names:
        raise Permanent(f"{pattern.text!r} has parameters: give `trigger` a `path`")
    return pattern.text.removesuffix("{$}")


def _head(request: Request, path: str) -> Head:
    method = request.method or ("GET" if request.body is None else "POST")
    path, _, query = path.partition("?")
    query = "&".join(each for each in (query, urlencode(request.query)) if each)
    return Head(method, f"{path}?{query}", Headers(request.all_headers.items()))


class _Proto:
    """A body that has arrived, as far as it ever will, and the response."""

    def __init__(self, body: bytes, announced: int, events: int) -> None:
        self.is_streaming = False
        self._events = events
        self._body = body[:announced]
        self._is_whole = announced <= len(body)
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._response: tuple[int, dict[str, str], bytes] | None = None
        self.ended = asyncio.Event()

    async def __call__(self) -> bytes:
        if not self._is_whole:
            await asyncio.shield(self._gone)
            raise Truncated("the body ended early")
        return self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body

    def client_disconnect(self) -> asyncio.Future[None]:
        watch: asyncio.Future[None] = asyncio.get_running_loop().create_future()  # who watches may cancel it
        self._gone.add_done_callback(lambda _: None if watch.done() else watch.set_result(None))
        return watch

    def leave(self) -> None:
        if not self._gone.done():
            self._gone.set_result(None)

    def response_empty(self, status: int, headers: list[tuple[str, str]], /) -> None:
        self.response_bytes(status, headers, b"")

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None:
        if self._response is None:
            self._response = status, _joined(headers), body
            self.ended.set()

    def stream(self, status: int, headers: list[tuple[str, str]], /) -> _Stream:
        def end(body: bytes) -> None:
            if self._response is None:
                self._response = status, _joined(headers), body
                self.ended.set()

        self.is_streaming = True
        return _Stream(end, self._gone, self._events)

    def reply(self, method: str) -> dict[str, object]:
        """Return the response as JSON. If it has no body, as with HEAD, there is no `body`."""
        assert self._response is not None
        status, headers, body = self._response
        reply: dict[str, object] = {"status": status, "headers": headers}
        if body and method != "HEAD":
            reply["body"] = _value(body, headers.get("content-type", ""))
        if self.is_streaming:
            reply["events"] = frames.read(body.decode(errors="replace"))
        return reply


class _Stream:
    """A response that is collected until it ends, or the client goes away."""

    is_full = False

    def __init__(self, end: Callable[[bytes], None], gone: asyncio.Future[None], events: int) -> None:
        self.left: Callable[[], None] | None = None
        self._pieces: list[bytes] = []
        self._end = end
        self._gone = gone
        self._is_over = False
        self._left = events or -1
        gone.add_done_callback(lambda _: self._leave())

    @property
    def is_open(self) -> bool:
        return not (self._is_over or self._gone.done())

    def send(self, data: bytes, /) -> None:
        if self.is_open:
            self._pieces.append(data)
            self._left -= len(frames.read(data.decode()))
            if not self._left:
                self._end(b"".join(self._pieces))

    def _leave(self) -> None:
        if not self._is_over and self.left is not None:
            self.left()

    async def room(self) -> None:
        return

    def end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._end(b"".join(self._pieces))

    abort = end


class _Call:
    """A request that is being served."""

    def __init__(self, request: Request, path: str) -> None:
        body = request.body or b""
        self.scope = _head(request, path)
        announced = int(self.scope.headers.get("content-length", len(body)))
        self.proto = _Proto(body, announced, request.events)
        self.over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def taskref(self, task: asyncio.Task[None], /) -> None:
        self._task = task

    def done(self) -> None:
        self.over.set()
        if not self.proto.is_streaming:
            self.proto.ended.set()


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
    return joined


def _value(body: bytes, content_type: str) -> object:
    if re.match(r"application/(.+\+)?json\b", content_type):
        with suppress(codec.NotJson):  # a flow may give anything this content type
            return codec.body(body, content_type)
    return taken(body, content_type)
