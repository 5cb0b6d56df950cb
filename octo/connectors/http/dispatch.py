"""Find the endpoint of a request and make sure that the request gets a response, also after an error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from octo.connectors.http import response
from octo.connectors.http.call import Call, Proto, Scope
from octo.connectors.http.endpoint import Endpoint, allow
from octo.connectors.http.routes import BadPath, Routes

Found = tuple[Endpoint, tuple[str, ...]]
log = logging.getLogger("octo.http")

STARTING = 5.0
"""Seconds that a request waits for the first route at most; a configuration may also have none."""


class Dispatch:
    """The routes behind one address (host and port). It does not listen itself: `serve` is called with each request.

    held: how many requests wait for the first route.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.routes: Routes[Endpoint] = Routes()
        self.held = 0
        self._is_routed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether requests can come in."""
        return True

    def leaving(self, seconds: float) -> None:
        """Take note that the routes go in so many seconds."""

    def add(self, endpoint: Endpoint) -> None:
        """Add a route. The requests that came before the first one are served in the next turn of the loop.

        Then the other routes that start together with it are there, too.
        """
        self.routes.add(endpoint)
        asyncio.get_running_loop().call_soon(self._is_routed.set)

    def serve(self, call: Call) -> None:
        """Serve one request. Never raises, so that the listener goes on."""
        proto = call.proto
        try:
            rest = self._served(call.scope, proto)
        except BadPath as error:
            response.refuse(proto, 400, "malformed request", [], detail=str(error))
        except Exception as error:  # noqa: BLE001  logged there
            _broken(proto, error)
        else:
            if rest is not None:
                # Only a request that waits gets a task: most flows never wait, and a task costs more than such a flow.
                call.taskref(asyncio.get_running_loop().create_task(_finish(rest, call)))
                return
        call.done()

    def _served(self, scope: Scope, proto: Proto) -> Coroutine[Any, Any, None] | None:
        method = scope.method
        found = self.routes.find(scope.path, method)
        if found is None or method == "OPTIONS":
            return self._seldom(scope, proto, found)
        if found[0].pattern.rest and (subtree := self._subtree(scope)) is not None:
            if not subtree[0].is_base(scope.path):
                response.moved(proto, scope.path + "/", scope.query_string)
                return None
            found = subtree
        return found[0].serve(scope, proto, found[1])

    def _seldom(self, scope: Scope, proto: Proto, found: Found | None) -> Coroutine[Any, Any, None] | None:
        """Serve preflights, unknown paths and methods that are not allowed."""
        served = self.routes.served(scope.path) or self._of_base(scope.path)
        below = self._below(scope) if found is None else None
        if below is not None and below[0].is_base(scope.path):
            found = below
        if scope.method == "OPTIONS" and served and (headers := served[0].preflight(scope.headers)) is not None:
            proto.response_empty(204, headers)
        elif found is not None:
            return found[0].serve(scope, proto, found[1])
        elif served:
            headers = [*served[0].headers(scope.headers), ("allow", allow(served))]
            response.refuse(proto, 405, "method not allowed", headers)
        elif not len(self.routes) and not self._is_routed.is_set():
            return self._when_routed(scope, proto)
        elif not len(self.routes):
            response.busy(proto, "server is shutting down", [])
        elif below is not None:
            response.moved(proto, scope.path + "/", scope.query_string)
        else:
            response.refuse(proto, 404, "not found", [])
        return None

    def _of_base(self, path: str) -> list[Endpoint]:
        """The routes with the path `/`, if this path is the base path, which has no slash at its end."""
        below = [] if path == "*" or path.endswith("/") else self.routes.served(path + "/")
        return [each for each in below if each.is_base(path)]

    def _below(self, scope: Scope) -> Found | None:
        """The route that serves everything below this path, which has no slash at its end."""
        if scope.path == "*" or scope.path.endswith("/"):
            return None
        return self.routes.find(scope.path + "/", scope.method)

    def _subtree(self, scope: Scope) -> Found | None:
        """The route of just this path with a slash: it is meant, and not one for everything, such as `/`."""
        below = self._below(scope)
        if below is None or not below[0].pattern.rest:
            return None
        return below if len(below[0].pattern.segments) == scope.path.count("/") else None

    async def _when_routed(self, scope: Scope, proto: Proto) -> None:
        """Serve a request that came before the first route: a process that replaces another one shall refuse none."""
        self.held += 1
        try:
            async with asyncio.timeout(STARTING):
                await self._is_routed.wait()
        except TimeoutError:
            response.busy(proto, "server is starting", [])
            return
        finally:
            self.held -= 1
        try:
            rest = self._served(scope, proto)
        except BadPath as error:
            response.refuse(proto, 400, "malformed request", [], detail=str(error))
        else:
            if rest is not None:
                await rest


async def _finish(rest: Coroutine[Any, Any, None], call: Call) -> None:
    try:
        await rest
    except asyncio.CancelledError:
        response.busy(call.proto, "server is shutting down", [])
        raise
    except Exception as error:  # noqa: BLE001  logged there
        _broken(call.proto, error)
    finally:
        call.done()


def _broken(proto: Proto, error: Exception) -> None:
    log.error("request failed", exc_info=error)
    response.refuse(proto, 500, "internal server error", [])
