"""The part of granian's RSGI interface that the connector uses, as types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol


class Headers(Protocol):
    """Request headers. Names in any letter case; of several values the first."""

    def __contains__(self, name: str, /) -> bool: ...
    def get(self, name: str, default: Any = None, /) -> Any: ...


class Scope(Protocol):
    """A request's head. `path` is percent-decoded as a whole, so an encoded slash is a slash."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> str: ...
    @property
    def headers(self) -> Headers: ...


class Proto(Protocol):
    """A request's body and its response. Only the first response counts."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def client_disconnect(self) -> Any: ...
    def response_empty(self, status: int, headers: list[tuple[str, str]], /) -> None: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None: ...


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
