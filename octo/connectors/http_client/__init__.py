"""HTTP client: calls one server, with credentials, retries and a cache."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from octo.connectors.http_client import codes
from octo.connectors.http_client.settings import Client, Rest, is_value
from octo.connectors.http_client.stub import Stub
from octo.core import trace
from octo.core.block import block
from octo.core.connector import connector
from octo.core.errors import Permanent
from octo.core.message import Message

if TYPE_CHECKING:
    from octo.connectors.http_client.caller import Caller
    from octo.connectors.http_client.request import Request

__all__ = ["Client", "HttpClient", "Rest"]


@connector("http-client")
class HttpClient:
    """A server to call with `rest` blocks. Connections are opened when needed, and kept for later requests."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Client) -> AsyncIterator[Self]:
        """Yield a client. Nothing is sent before the first request."""
        from octo.connectors.http_client.caller import Caller
        from octo.connectors.http_client.exchange import exchanging  # aiohttp takes a while to import

        async with exchanging(settings) as exchange:
            yield cls(Caller(settings, exchange))

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Client, stub: Stub) -> AsyncIterator[Self]:
        """Yield a client of a stub. Credentials, cache and retries are real; nothing leaves the process."""
        from octo.connectors.http_client.answers import Answers
        from octo.connectors.http_client.caller import Caller

        yield cls(Caller(settings, Answers(settings, stub)))

    @block("rest")
    async def rest(self, settings: Rest, message: Message) -> Message:
        """Send a request; the response becomes the body.

        A JSON response becomes a value, an empty one null, any other raw content. A response with a status of 400 or
        above is an error unless `failOnError` is false. When the flow's deadline passes, the request is aborted.
        """
        from octo.connectors.http_client.reply import failure, into

        request = self._request(settings, message)
        reply = await self._caller.call(request)
        if settings.fail_on_error and reply.status >= 400:
            what = f"rest request to {request.target}"
            raise failure(reply, what, {settings.status_var: reply.status}, hide=self._caller.hide)
        return into(message, reply, settings.status_var)

    def _request(self, settings: Rest, message: Message) -> Request:
        from octo.connectors.http_client.request import written

        headers = {name: _sound(name, expression(message)) for name, expression in settings.headers.items()}
        data = None
        if settings.body is not None:
            named = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
            content_type, data = written(settings.body(message), message, named)
            if named is None and content_type:
                headers["Content-Type"] = _sound("Content-Type", content_type)
        context = trace.span_headers(message)
        if context and any(name.lower() in (trace.HEADER, trace.STATE) for name in headers):
            context = {}
        context = {**context, **self._caller.correlated(message.correlation_id, headers)}
        query = [(name, _whole(name, expression(message))) for name, expression in settings.query.items()]
        path = settings.path
        if path.fixed is not None:
            target = self._caller.target(path.fixed)
        else:
            target = self._caller.below(path(message), encoded=not path.is_expression)
        return self._caller.request(settings.method, target, query, headers, data, context)


def _sound(name: str, value: str) -> str:
    if not is_value(value):
        raise Permanent(f"the header {name} would have a line break or control character", code=codes.BAD_HEADER)
    return value


def _whole(name: str, value: str) -> str:
    # The library would leave half a character out, and ask for something else.
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise Permanent(f"the query parameter {name} has half a character", code=codes.NOT_IN_CHARSET)
    return value
