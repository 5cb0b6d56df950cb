"""Brave Search: a provider for `web-search`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html import unescape
from typing import TYPE_CHECKING, Self

from octo.connectors.brave.settings import Account
from octo.core.connector import connector
from octo.vendors.searching import FAMILY, Found, Searcher, Stub, Stubbed, found

if TYPE_CHECKING:
    from octo.vendors.api import Api

__all__ = ["Account", "Brave"]


@connector("brave", family=FAMILY)
class Brave:
    def __init__(self, searcher: Searcher) -> None:
        self.search = searcher.search

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Account) -> AsyncIterator[Self]:
        from octo.vendors.api import calling

        async with calling("Brave Search", settings.base_url, _headers(settings), settings) as api:
            yield cls(_Web(api))

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Account, stub: Stub) -> AsyncIterator[Self]:
        """Yield a provider of the test alone."""
        from octo.vendors.replaying import replaying

        async with replaying(stub, "Brave Search", settings.base_url, _headers(settings), settings) as api:
            yield cls(Stubbed(stub) if api is None else _Web(api))


def _headers(settings: Account) -> dict[str, str]:
    return {"X-Subscription-Token": settings.api_key.get_secret_value()}


class _Web:
    def __init__(self, api: Api) -> None:
        self._api = api

    async def search(self, query: str, most: int) -> Sequence[Found]:
        asked = [("q", query), ("count", str(most)), ("text_decorations", "false"), ("result_filter", "web")]
        web = (await self._api.call("GET", "/web/search", query=asked)).get("web")
        pages = found(web.get("results") if isinstance(web, dict) else None, "description")
        return [each._replace(title=unescape(each.title), text=unescape(each.text)) for each in pages]
