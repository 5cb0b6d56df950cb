"""HTTP server: requests become messages, and the outcome of the flow becomes the response."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self

from octo.connectors.http import codes
from octo.connectors.http.cors import Cors
from octo.connectors.http.described import Page, pages
from octo.connectors.http.dispatch import Dispatch
from octo.connectors.http.endpoint import Endpoint
from octo.connectors.http.gate import Gate
from octo.connectors.http.listener import listening
from octo.connectors.http.openapi import Described
from octo.connectors.http.patterns import Pattern, Relation, common_path, relation
from octo.connectors.http.settings import Server
from octo.connectors.http.sources import Route, Static as StaticFiles, Variables
from octo.connectors.http.static import Static
from octo.connectors.http.streams import Streams
from octo.connectors.http.stub import ADDRESS, Request, Stub, ask, path_of
from octo.connectors.http.worker import Options, check_certificate
from octo.core.connector import connector
from octo.core.errors import Permanent, Transient
from octo.core.log import fields
from octo.core.powers import Draining, Healthy, Leaving
from octo.core.settings import Settings
from octo.core.source import Inlet, source

__all__ = ["Http", "Route", "Server"]

log = logging.getLogger("octo.http")
HEADER_SECONDS = 10.0


@connector("http")
class Http:
    """An HTTP server. Each `http` source on it serves one path; several connectors are several servers.

    HTTP/1.1, with or without TLS. A reload that does not change host and port never closes the listener.
    """

    def __init__(self, settings: Server, dispatch: Dispatch, gate: Gate) -> None:
        self._settings = settings
        self._dispatch = dispatch
        self._gate = gate
        self._cors = Cors(settings.cors) if settings.cors else None
        self._left: list[Streams] = []
        self._described: dict[Endpoint, Described] = {}
        self._pages: list[Page] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Server) -> AsyncIterator[Self]:
        """Listen. Requests wait for the first route, and get 503 after the last one is gone."""
        host = settings.host or os.environ.get("HTTP_HOST") or "0.0.0.0"  # noqa: S104  the documented default
        gate = Gate(settings.max_concurrent_requests)
        async with listening(host, _port(settings), _options(settings), gate.emptied) as listener:
            listener.patience(settings.write_timeout.total_seconds())
            http = cls(settings, listener, gate)
            try:
                yield http
            finally:
                http.drained()

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Server, stub: Stub) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        """Open no port; requests come only from `trigger`."""
        gate = Gate(settings.max_concurrent_requests)
        http = cls(settings, Dispatch(ADDRESS), gate)
        yield http
        http.drained()
        await gate.emptied()

    replies = ("status", "headers", "body", "events")

    @classmethod
    def untriggerable(cls, settings: Server, source: Route | StaticFiles, spec: Request) -> str:
        try:
            path_of(spec, settings, source)
        except Permanent as error:
            return str(error)
        return ""

    async def trigger(self, source: Route | StaticFiles, spec: Request) -> object:
        """Send a request, by default to the source's own path; return `{status, headers, body}`."""
        return await ask(self._dispatch, spec, path_of(spec, self._settings, source))

    async def health(self) -> None:
        if not self._dispatch.is_open:
            raise Transient(f"the socket at {self.url} no longer listens", code=codes.DEAF)

    @property
    def port(self) -> int:
        """The port that is listened at, also for `port: 0`."""
        return self._dispatch.address[1]

    @property
    def url(self) -> str:
        """The address of the routes: scheme, host, port and base path."""
        host, port = self._dispatch.address
        host = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        return f"http{'s' if self._settings.tls else ''}://{host}:{port}{self._settings.base_path}"

    @source("http", sets=Variables, guarantee="answered", steps=("flow", "reply"))
    @asynccontextmanager
    async def route(self, settings: Route, inlet: Inlet) -> AsyncIterator[None]:
        """Serve one path. The response is the flow's outcome, or a 4xx or 5xx if there is none."""
        endpoint = Endpoint(self._settings, settings, inlet, self._gate, self._cors)
        self._enter(endpoint, settings, inlet)
        log.info(
            "http endpoint available",
            extra=fields(pattern=endpoint.pattern.text, url=f"{self.url}{settings.path}", flow=inlet.flow),
        )
        try:
            yield
        finally:
            self._leave(endpoint)
            if endpoint.streams is not None:
                self._left.append(endpoint.streams)

    def leaving(self, seconds: float) -> None:
        """Let connections end with their next response, so that clients open the next one elsewhere."""
        self._dispatch.leaving(seconds)

    def drained(self) -> None:
        """End the streams of routes that were left: nobody writes to them any more."""
        while self._left:
            self._left.pop().end()

    @source("static", sets=Variables, guarantee="answered", steps=("flow", "reply"))
    @asynccontextmanager
    async def files(self, settings: StaticFiles, inlet: Inlet) -> AsyncIterator[None]:
        """Serve the files of a folder."""
        endpoint = Static(self._settings, settings, inlet, self._gate, self._cors)
        self._enter(endpoint, settings.route, inlet)
        extra = fields(url=f"{self.url}{settings.path}", folder=str(settings.folder), flow=inlet.flow)
        log.info("files available", extra=extra)
        try:
            yield
        finally:
            self._leave(endpoint)

    def _enter(self, endpoint: Endpoint, route: Route, inlet: Inlet) -> None:
        offered = self._pages if self._described else self._made(inlet.service)
        if any(relation(each.pattern, endpoint.pattern) is Relation.EQUAL for each in offered):
            raise Permanent(
                f"the flow {inlet.flow} serves {route.path!r}, which is also a page of the connector: `openapi` or "
                "`docs`; choose another path for one of them"
            )
        if not self._described:  # with the first route, which requests wait for
            self._pages = offered
            for each in offered:
                self._dispatch.routes.add(each)
        self._described[endpoint] = Described(self._settings, route, inlet.flow, inlet.description, inlet.input)
        self._dispatch.add(endpoint)
        self._forget()

    def _made(self, service: str) -> list[Page]:
        origin = self.url.removesuffix(self._settings.base_path)
        return pages(self._settings, self._described.values, service, origin, self._gate, self._cors)

    def _leave(self, endpoint: Endpoint) -> None:
        del self._described[endpoint]
        gone = [endpoint, *([] if self._described else self._pages)]
        for each in gone:
            self._dispatch.routes.remove(each)
            self._gate.part(each.share)
        self._forget()

    def _forget(self) -> None:
        for each in self._pages:
            each.forget()

    @classmethod
    def conflicts(cls, sources: Sequence[Settings]) -> list[tuple[int, int, str]]:
        """Return the pairs of sources, by index, that match the same request with no rule to choose, and why."""
        given = [each.route if isinstance(each, StaticFiles) else each for each in sources]
        routes = [(each, Pattern.parse(each.path)) for each in given if isinstance(each, Route)]
        return [
            (i, j, reason)
            for j, (second, right) in enumerate(routes)
            for i, (first, left) in enumerate(routes[:j])
            if (reason := _conflict(first, left, second, right))
        ]


_: type[Healthy] = Http
__: type[Draining] = Http
___: type[Leaving] = Http


def _conflict(first: Route, left: Pattern, second: Route, right: Pattern) -> str:
    shared = _shared(first, second, relation(left, right))
    match shared, relation(left, right):
        case "", _:
            return ""
        case _, Relation.EQUAL:
            same = f"{first.path!r}" if first.path == second.path else f"{first.path!r} and {second.path!r}"
            return f"{same}: two flows serve {shared} of the same path"
        case _, Relation.OVERLAP:
            path = common_path(left, right)
            return f"{first.path!r} and {second.path!r} both match {path}, and neither is more specific"
    return ""


def _shared(first: Route, second: Route, how: Relation) -> str:
    """Return the methods that both serve, in words.

    Of two routes with equal paths, one that names a method beats one that names none.
    """
    if first.methods is None and second.methods is None:
        return "all methods"
    if first.methods is None or second.methods is None:
        return "" if how is Relation.EQUAL else "methods"
    return ", ".join(each for each in first.methods if each in second.methods)


def _port(settings: Server) -> int:
    if settings.port is not None:
        return settings.port
    return int(os.environ.get("HTTP_PORT") or 8080)


def _options(settings: Server) -> Options:
    clock = settings.idle_timeout or settings.read_timeout
    cert, key = (str(settings.tls.cert), str(settings.tls.key)) if settings.tls else ("", "")
    return Options(
        header_timeout=clock.total_seconds() or HEADER_SECONDS,
        keep_alive=settings.keep_alive,
        max_header_bytes=settings.max_header_bytes,
        cert=cert,
        key=key,
        certificate=check_certificate(cert, key) if cert else b"",
    )
