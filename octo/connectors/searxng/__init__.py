"""SearXNG, which one runs oneself: a provider for `web-search`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from octo.connectors.searxng.settings import Server
from octo.core.connector import connector
from octo.vendors.searching import FAMILY, Found, Searcher, Stub, Stubbed, found

if TYPE_CHECKING:
    from octo.vendors.api import Api

__all__ = ["Searxng", "Server"]


@connector("searxng", family=FAMILY)
class Searxng:
    def __init__(self, searcher: Searcher) -> None:
        self.search = searcher.search

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Server) -> AsyncIterator[Self]:
        from octo.vendors.api import calling

        async with calling("SearXNG", settings.url, {}, settings) as api:
            yield cls(_Web(api, settings))

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Server, stub: Stub) -> AsyncIterator[Self]:
        """Yield a provider of the test alone."""
        from octo.vendors.replaying import replaying

        async with replaying(stub, "SearXNG", settings.url, {}, settings) as api:
            yield cls(Stubbed(stub) if api is None else _Web(api, settings))


class _Web:
    def __init__(self, api: Api, settings: Server) -> None:
        self._api = api
        self._more = [("language", settings.language)] if settings.language else []
        self._more += [("categories", ",".join(settings.categories))] if settings.categories else []

    async def search(self, query: str, most: int) -> Sequence[Found]:
        asked = [("q", query), ("format", "json"), *self._more]
        pages = found((await self._api.call("GET", "/search", query=asked)).get("results"), "content")
        # Its scores have no upper end, so they say nothing to a flow; it finds as many as it finds.
        return [each._replace(score=None) for each in pages[:most]]
