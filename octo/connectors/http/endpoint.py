"""The endpoint of a route: it holds everything that can be computed before the first request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any

from octo.connectors.http import auth, codes, cookies, request, response, settings, sources
from octo.connectors.http.attended import Disconnected, attended
from octo.connectors.http.call import Headers as Given, Proto, Scope
from octo.connectors.http.chosen import Chosen
from octo.connectors.http.cors import Cors
from octo.connectors.http.fields import METHODS
from octo.connectors.http.gate import Gate
from octo.connectors.http.limit import TimeLimit
from octo.connectors.http.patterns import Pattern
from octo.connectors.http.sending import Sending
from octo.connectors.http.streams import EventStream, Streams
from octo.core import content, trace
from octo.core.errors import Permanent
from octo.core.flow import Drop, Ending
from octo.core.json_schema import BadSchema, Schema
from octo.core.log import fields
from octo.core.message import Message, new_id
from octo.core.source import Inlet
from octo.core.spool import Content
from octo.expr import ExprError

Headers = list[tuple[str, str]]
log = logging.getLogger("octo.http")
DEFAULT_TIMEOUT = 30.0
OVERLOADED = "server is overloaded"
MOST_CORRELATION = 128
"""Characters of a correlation id, at most."""


class Endpoint:
    """Turns requests into messages for one inlet, and outcomes into responses."""

    def __init__(
        self, server: settings.Server, route: sources.Route, inlet: Inlet, gate: Gate, cors: Cors | None
    ) -> None:
        self.pattern = Pattern.parse(route.path, server.base_path)
        self._base = server.base_path if route.path == "/" else None
        self.methods = None if route.methods is None else frozenset(route.methods)
        self._inlet = inlet
        self._gate = gate
        self._cors = cors
        self._headers: Headers = [
            (name.lower(), value)
            for name, values in server.response_headers.items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        self._guard = auth.guard(server, route)
        if self._guard is not None and self._guard.variable in route.variables() and route.auth is None:
            raise Permanent(
                f"{route.path!r}: the variable `{self._guard.variable}` would be set both by the request and by the "
                "connector's `auth`; choose another `userVar`"
            )
        self._copied = tuple((name, name.lower()) for name in route.headers)
        self._cookies = tuple(route.cookies)
        self._correlation = (route.correlation_id_header or "").lower()
        self._timeout = (route.timeout or server.request_timeout).total_seconds() or DEFAULT_TIMEOUT
        self._reading = TimeLimit(min(self._timeout, server.read_timeout.total_seconds() or self._timeout))
        self.share = gate.join(self._reading)
        self._limit = route.max_body_bytes
        self._raw_var = route.raw_body_var
        self._raw = route.raw_body
        self._unique = route.unique_keys
        self._spools = route.raw_body and not route.raw_body_var
        self._schema = _schema(route, inlet)
        self._chosen = Chosen.of(route, inlet.flow)
        self.streams = Streams(route.sse, inlet, self._with_chosen, self._timeout) if route.sse.enabled else None

    @property
    def flow(self) -> str:
        """The name of the flow that serves it."""
        return self._inlet.flow

    def is_base(self, path: str) -> bool:
        """Whether this is the route `/` and the path is the base path: it is served as it is, without a redirect."""
        return path == self._base

    def serve(self, scope: Scope, proto: Proto, values: tuple[str, ...]) -> Coroutine[Any, Any, None] | None:
        """Answer one request: at once if nothing waits, else by the coroutine that is returned and must be run."""
        gate = self._gate
        given = scope.headers
        headers = self._headers if self._cors is None else self._headers + self._cors.headers(given.get("origin"))
        correlation = ""
        if self._correlation:
            correlation = _correlation(given.get(self._correlation, ""))
            headers = [*headers, (self._correlation, correlation)]
        user = "" if self._guard is None else self._known(scope, proto, headers)
        if user is None:
            return None
        if gate.busy >= gate.common and not gate.admits(self.share):
            response.busy(proto, OVERLOADED, headers)
            return None
        try:
            size = request.length(given, self._limit)
            if size != 0:
                if not self._raw and "content-encoding" in given:
                    request.check_encoding(given)
                if not gate.begin_reading(self.share):
                    response.busy(proto, OVERLOADED, headers)
                    return None
                return self._receive(scope, proto, values, headers, size, correlation, user)
            message = self._message(scope, values, b"", correlation, user)
        except request.Rejected as rejected:
            response.reject(proto, rejected, headers)
            return None
        return self._run(message, proto, headers, self._timeout)

    def _known(self, scope: Scope, proto: Proto, headers: Headers) -> str | None:
        """Return the name of who asks, "" if anybody may; None, after the answer, to those who may not."""
        if self._guard is None:
            return ""
        try:
            return self._guard.user(scope)
        except request.Rejected as rejected:
            log.info("a request was refused: no valid credentials", extra=fields(pattern=self.pattern.text))
            response.reject(proto, rejected, headers)
            return None

    def _run(
        self, message: Message, proto: Proto, headers: Headers, timeout: float
    ) -> Coroutine[Any, Any, None] | None:
        if self.streams is not None:
            return self._stream(self.streams, message, proto, headers, timeout)
        try:
            result: Any = self._inlet.call(message, timeout)
            if result.__class__ is Message or result.__class__ is Drop:
                rest = self._write(proto, result, headers)
                return None if rest is None else self._send_on(rest)
        except Exception as error:  # noqa: BLE001  the caller gets a response after any error
            response.failed(proto, error, message, headers)
            return None
        self._gate.enter(self.share)
        return self._wait(result, message, proto, headers)

    async def _wait(self, work: Awaitable[Ending], message: Message, proto: Proto, headers: Headers) -> None:
        try:
            rest = self._write(proto, await attended(work, proto), headers)
            if rest is not None:
                await rest(self._gate.taking)
        except Disconnected:
            pass
        except Exception as error:  # noqa: BLE001  see above
            response.failed(proto, error, message, headers)
        finally:
            self._gate.leave(self.share)

    async def _send_on(self, rest: Sending) -> None:
        """Send the rest of a response; until then the request counts as one that runs."""
        self._gate.enter(self.share)
        try:
            await rest(self._gate.taking)
        finally:
            self._gate.leave(self.share)

    def _stream(
        self, streams: Streams, message: Message, proto: Proto, headers: Headers, timeout: float
    ) -> Coroutine[Any, Any, None] | None:
        if streams.is_full:
            response.busy(proto, "too many streams are open", headers)
            return None
        stream = streams.begin(proto, message, headers)
        self._gate.enter(self.share)
        message = message.with_var(streams.settings.stream_var, stream.address)
        return self._streamed(stream, message, proto, headers, timeout)

    async def _streamed(
        self, stream: EventStream, message: Message, proto: Proto, headers: Headers, timeout: float
    ) -> None:
        """Run the message. Once its stream has begun it goes on without the client, until an event finds nobody."""
        try:
            result: Any = self._inlet.call(message, timeout, lift=stream.lift)
            if not isinstance(result, Ending):
                result = await attended(result, proto, lambda: stream.is_begun)
            if stream.is_begun:
                await stream.finish(result)
            elif (rest := self._write(proto, result, headers)) is not None:
                await rest(self._gate.taking)
        except Disconnected:
            pass
        except asyncio.CancelledError:
            response.busy(stream if stream.is_begun else proto, "server is shutting down", headers)
            raise
        except Exception as error:  # noqa: BLE001  see above
            response.failed(stream if stream.is_begun else proto, error, message, headers)
        finally:
            if not stream.is_begun:
                stream.end()
            self._gate.leave(self.share)

    async def _receive(
        self,
        scope: Scope,
        proto: Proto,
        values: tuple[str, ...],
        headers: Headers,
        size: int | None,
        correlation: str,
        user: str,
    ) -> None:
        rest = None
        try:
            clock = asyncio.get_running_loop().time
            began = clock()
            data = await request.read(proto, size, self._limit, self._reading, spools=self._spools)
            left = max(0.0, self._timeout - (clock() - began))
            message = self._message(scope, values, data, correlation, user)
            if self._gate.admits(self.share):
                rest = self._run(message, proto, headers, left)  # if it waits, `_run` has counted it in the gate
            else:
                response.busy(proto, OVERLOADED, headers)
        except request.Rejected as rejected:
            response.reject(proto, rejected, headers)
        finally:
            self._gate.end_reading(self.share)
        if rest is not None:
            await rest

    def _message(
        self, scope: Scope, values: tuple[str, ...], data: bytes | Content, correlation: str, user: str
    ) -> Message:
        given = scope.headers
        every = request.query(scope.query_string)
        if self._guard is not None:
            every = self._guard.shown(every)
        first = {name: those[0] for name, those in every.items()} if every else {}
        variables: dict[str, object] = {"method": scope.method, "query": first, "queryAll": every}
        if values:
            variables.update(zip(self.pattern.names, values, strict=False))
        if self._copied:
            variables["headersAll"] = {name: given.all(header) for name, header in self._copied}
            for name, header in self._copied:
                variables[name] = given.get(header, "")
        if self._cookies:
            sent = given.all("cookie")
            variables.update({name: next(iter(cookies.read(sent, name)), "") for name in self._cookies})
        parent = given.get(trace.HEADER, "")
        if parent:
            parent = _parent(given)
        if self._raw_var:
            variables[self._raw_var] = request.exact(bytes(data))
        body = self._body(given, data) if data or self._raw else None
        if self._schema is not None and (data or scope.method not in request.BODILESS):
            request.check(body, self._schema)
        if self._guard is not None:
            variables[self._guard.variable] = user
        return Message(body, variables, correlation_id=correlation, raw=self._raw, traceparent=parent)

    def _body(self, given: Given, data: bytes | Content) -> object:
        content_type = given.get("content-type", "")
        if not self._raw:
            return request.parse(bytes(data), content_type, unique=self._unique)
        if not data:  # neither text nor bytes: the text, which compares and joins with others
            return {"contentType": content_type or content.BINARY, "rawData": ""}
        return content.raw(data, content_type or content.BINARY)

    def _write(self, proto: Proto, outcome: Ending, headers: Headers) -> Sending | None:
        if isinstance(outcome, Drop):
            response.dropped(proto, headers)
            return None
        try:
            headers = self._with_chosen(headers, outcome)
        except ExprError as error:
            response.author(proto, outcome, headers, self._inlet.flow, codes.NO_HEADER, str(error))
            return None
        return response.complete(proto, outcome, headers, self._inlet.flow)

    def _with_chosen(self, headers: Headers, message: Message) -> Headers:
        """Return the headers with those that the route declares, which replace others. Raises `ExprError`."""
        if self._chosen is None:
            return headers
        chosen = self._chosen.headers(message)
        names = {name for name, _ in chosen}
        return [each for each in headers if each[0] not in names] + chosen

    def headers(self, given: Given) -> Headers:
        """Return the headers of every response to a request with these headers."""
        cors = [] if self._cors is None else self._cors.headers(given.get("origin"))
        echo = [(self._correlation, _correlation(given.get(self._correlation, "")))] if self._correlation else []
        return [*self._headers, *cors, *echo]

    def preflight(self, given: Given) -> Headers | None:
        """Return the headers of the response to a CORS preflight, or None if the request is none."""
        origin, method = given.get("origin"), given.get("access-control-request-method")
        if self._cors is None or origin is None or method is None:
            return None
        return self._headers + self._cors.preflight(origin, method, given.get("access-control-request-headers"))


def _schema(route: sources.Route, inlet: Inlet) -> Schema | None:
    """Return what bodies are checked against. Raises `Permanent` if it is no schema."""
    if inlet.input is None or route.raw_body or not route.validate_:
        return None
    try:
        schema = Schema(inlet.input)
    except BadSchema as error:  # not one that `octo check` has seen
        raise Permanent(f"`input` of the flow {inlet.flow}: {error}") from None
    _ = schema.explainer  # its library takes a while to import: not while requests come in
    return schema


def _correlation(given: str) -> str:
    """Return the id that the caller gave, or a fresh one if it gave none that is fit for logs and headers."""
    return given if 0 < len(given) <= MOST_CORRELATION and given.isascii() and given.isprintable() else new_id()


def _parent(given: Given) -> str:
    """Return the caller's span with its vendors' states, of which there may be several headers; "" for two spans."""
    spans = given.all(trace.HEADER)
    return trace.with_tracestate(spans[0], ",".join(given.all(trace.STATE))) if len(spans) == 1 else ""


def allow(endpoints: Iterable[Endpoint]) -> str:
    """Return the value of `Allow` for a path that these endpoints serve."""
    methods = {method for each in endpoints for method in each.methods or ()}
    methods |= {"HEAD"} if "GET" in methods else set()
    return ", ".join(each for each in METHODS if each in methods)
