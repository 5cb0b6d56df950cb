"""A line in the log for each request, for a developer who watches. Off, nothing of it is in the way of a request."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from octo.connectors.http.call import Call, Scope, Stream
from octo.connectors.http.routes import BadPath
from octo.core.log import fields, requests_told

if TYPE_CHECKING:
    from octo.connectors.http.dispatch import Dispatch

log = logging.getLogger("octo.http.requests")

MOST_PATH = 200
"""Characters of a path, at most."""


def serving(dispatch: Dispatch) -> Callable[[Call], None]:
    """What to call with each request: `dispatch.serve`, or in development what tells of it, too."""
    if not requests_told():
        return dispatch.serve
    return lambda call: dispatch.serve(Told(call, dispatch))


class Told:
    """A `Call` and its `Proto` that notes the status of the response, and tells of it when the call is done."""

    def __init__(self, call: Call, dispatch: Dispatch) -> None:
        self.scope: Scope = call.scope
        self.status = 0
        self._call = call
        self._proto = call.proto
        self._dispatch = dispatch
        self._began = time.perf_counter()

    @property
    def proto(self) -> Told:
        return self

    def done(self) -> None:
        self._call.done()
        # Of the query nothing: it may contain a token.
        milliseconds = round((time.perf_counter() - self._began) * 1000, 1)
        log.info(
            "%s %s",
            self.scope.method,
            self.scope.path[:MOST_PATH],
            extra=fields(status=self.status or "none", ms=milliseconds, **self._served()),
        )

    def _served(self) -> dict[str, str]:
        try:
            found = self._dispatch.routes.find(self.scope.path, self.scope.method)
        except BadPath:
            return {}
        return {"flow": found[0].flow} if found and found[0].flow else {}  # a page about the routes has none

    def response_empty(self, status: int, headers: list[tuple[str, str]], /) -> None:
        self.status = self.status or status
        self._proto.response_empty(status, headers)

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None:
        self.status = self.status or status
        self._proto.response_bytes(status, headers, body)

    def stream(self, status: int, headers: list[tuple[str, str]], /) -> Stream:
        self.status = self.status or status
        return self._proto.stream(status, headers)

    async def __call__(self) -> bytes:
        return await self._proto()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._proto.__aiter__()

    def client_disconnect(self) -> asyncio.Future[None]:
        return self._proto.client_disconnect()

    def taskref(self, task: asyncio.Task[None], /) -> None:
        self._call.taskref(task)
