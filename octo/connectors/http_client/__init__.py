"""HTTP client: calls one server, with credentials, retries and a cache."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from octo.connectors.http_client.rest import Rest, RestDynamic
from octo.connectors.http_client.settings import Client
from octo.connectors.http_client.stub import Stub
from octo.core.block import block
from octo.core.connector import connector
from octo.core.flow import Outcome
from octo.core.message import Message

if TYPE_CHECKING:
    from octo.connectors.http_client.caller import Caller

__all__ = ["Client", "HttpClient", "Rest", "RestDynamic"]


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
        """Yield a client of a stub. Credentials, cache and retries are real.

        Nothing leaves the process, unless a cassette is recorded.
        """
        from octo.connectors.http_client.answers import Answers
        from octo.connectors.http_client.caller import Caller

        answers, player = Answers(settings, stub), stub.player()
        if player is None:
            yield cls(Caller(settings, answers))
            return
        from octo.connectors.http_client.replaying import Replaying

        if not player.is_live:
            yield cls(Caller(settings, Replaying(settings, answers, player, None)))
            return
        from octo.connectors.http_client.exchange import exchanging

        async with exchanging(settings) as exchange:
            yield cls(Caller(settings, Replaying(settings, answers, player, exchange)))

    @block("rest", guarantee="answered", steps=("send", "confirm"), idempotent="with a key")
    async def rest(self, settings: Rest, message: Message) -> Outcome:
        """Send a request; the response becomes the body.

        A JSON response becomes a value, an empty one null, any other raw content. A response with a status of 400 or
        above is an error unless `failOnError` is false or `expect` lists it. When the flow's deadline passes, the
        request is aborted. With `follow` it asks for one page after the other.
        """
        from octo.connectors.http_client import sending

        if settings.follow is not None:
            from octo.connectors.http_client.paging import pages

            return await pages(self._caller, settings, message)
        asked = sending.asked(self._caller, settings, message)
        request = sending.request(self._caller, asked, settings, settings, message)
        return (await self._caller.ask(request, settings, message))[1]

    @block("rest-dynamic", guarantee="answered", steps=("send", "confirm"), idempotent="with a key")
    async def dynamic(self, settings: RestDynamic, message: Message) -> Message:
        """Send a request whose method and address the message chooses; the response becomes the body, as with `rest`.

        The request never leaves the connector's `baseURL`, nor `pathPrefix`: a path that is a URL, or has a segment
        `..` in any spelling, is refused.
        """
        from octo.connectors.http_client import dynamic, sending

        asked = dynamic.asked(self._caller, settings, message)
        request = sending.request(self._caller, asked, settings, settings, message)
        return (await self._caller.ask(request, settings, message))[1]
