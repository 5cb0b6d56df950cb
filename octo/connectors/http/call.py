"""What a server hands over for each request: its head, its body, and the way to answer, as types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol


class Truncated(Exception):
    """The body of a request ended before it was whole, or is not framed as HTTP says. The text says which."""


class Headers(Protocol):
    """Request headers by lower-case name. `get` returns the first of several values, `all` every one."""

    def __contains__(self, name: str, /) -> bool: ...
    def get(self, name: str, default: Any = None, /) -> Any: ...
    def all(self, name: str, /) -> Sequence[str]: ...


class Scope(Protocol):
    """A request's head. `path` is as it was sent: percent escapes are not decoded."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> str: ...
    @property
    def headers(self) -> Headers: ...


class Stream(Protocol):
    """A response whose body is sent piece by piece.

    is_open: whether the client is there, and the body has not ended. is_full: whether the client should take what was
    sent before more is sent. left: called if the client goes away before the end.
    """

    left: Callable[[], None] | None

    @property
    def is_open(self) -> bool: ...
    @property
    def is_full(self) -> bool: ...
    def send(self, data: bytes, /) -> None:
        """Send a piece; without effect once the stream is not open."""
        ...

    async def room(self) -> None:
        """Return once the stream is not full, or not open."""
        ...

    def end(self) -> None:
        """End the body; the connection may serve another request."""
        ...

    def abort(self) -> None:
        """Close the connection at once, so that the client knows that the body is not whole."""
        ...


class Answer(Protocol):
    """Takes a response whose body is known."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None: ...


class Proto(Answer, Protocol):
    """A request's body and its response. Only the first response counts.

    Awaiting it returns the whole body, iterating over it returns the body in pieces; both raise `Truncated`.
    """

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def client_disconnect(self) -> asyncio.Future[None]: ...
    def response_empty(self, status: int, headers: list[tuple[str, str]], /) -> None: ...
    def stream(self, status: int, headers: list[tuple[str, str]], /) -> Stream:
        """Begin a response that is sent piece by piece. Without a `content-length` its length is not known."""
        ...


class Call(Protocol):
    """A request that is being served. Its server must call `done` in the end."""

    @property
    def scope(self) -> Scope: ...
    @property
    def proto(self) -> Proto: ...
    def taskref(self, task: asyncio.Task[None], /) -> None:
        """Keep a reference to the task that goes on with the request."""
        ...

    def done(self) -> None: ...
