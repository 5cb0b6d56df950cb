"""Tavily: search the web, read pages, walk through sites.

Anybody may have written what it finds. Give that to a model as data, never as an instruction, and call no address in it
without a check. `web-search` works with it, too, and with other providers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, Self

from octo.connectors.tavily.settings import Account, Crawl, Extract, Map, Search
from octo.connectors.tavily.stub import Answers, Stub
from octo.core.block import block
from octo.core.connector import connector
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.vendors import codes
from octo.vendors.answered import answered
from octo.vendors.searching import FAMILY, Found, found

if TYPE_CHECKING:
    from octo.vendors.api import Api

__all__ = ["Account", "Crawl", "Extract", "Map", "Search", "Tavily"]

MOST_URLS = 20


class _Asked(Protocol):
    async def ask(self, path: str, body: Mapping[str, object]) -> dict[str, object]: ...


@connector("tavily", family=FAMILY)
class Tavily:
    def __init__(self, asked: _Asked) -> None:
        self._asked = asked

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Account) -> AsyncIterator[Self]:
        from octo.vendors.api import calling

        async with calling("Tavily", settings.base_url, _headers(settings), settings) as api:
            yield cls(_Web(api))

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Account, stub: Stub) -> AsyncIterator[Self]:
        """Yield answers of the test alone."""
        from octo.vendors.replaying import replaying

        async with replaying(stub, "Tavily", settings.base_url, _headers(settings), settings) as api:
            yield cls(Answers(stub) if api is None else _Web(api))

    async def search(self, query: str, most: int) -> Sequence[Found]:
        """For `web-search`."""
        answer = await self._asked.ask("/search", {"query": query, "max_results": most})
        return found(answer.get("results"), "content")

    @block("tavily-search", guarantee="answered", steps=("send", "confirm"), idempotent="always")
    async def tavily_search(self, settings: Search, message: Message) -> Message:
        """Search the web: `{query, results: [{title, url, content, score}]}`, as Tavily answers."""
        body: dict[str, object] = {
            "query": settings.query(message),
            "search_depth": settings.search_depth,
            "topic": settings.topic,
            "max_results": settings.max_results,
            "include_answer": settings.include_answer,
            "include_raw_content": settings.include_raw_content,
            **_given(time_range=settings.time_range),
            **_given(include_domains=settings.include_domains, exclude_domains=settings.exclude_domains),
        }
        return await answered(settings, message, self._asked.ask("/search", body))

    @block("tavily-extract", guarantee="answered", steps=("send", "confirm"), idempotent="always")
    async def extract(self, settings: Extract, message: Message) -> Message:
        """Read pages: `{results: [{url, raw_content}], failed_results: [{url, error}]}`, as Tavily answers."""
        given = settings.urls(message)
        urls = given if isinstance(given, list) else [given]
        if not 1 <= len(urls) <= MOST_URLS or not all(isinstance(each, str) and each for each in urls):
            raise Permanent(f"`urls` must be an address, or a list of 1 to {MOST_URLS}", code=codes.REFUSED)
        body = {"urls": urls, "extract_depth": settings.extract_depth, "format": settings.format}
        return await answered(settings, message, self._asked.ask("/extract", body))

    @block("tavily-crawl", guarantee="answered", steps=("send", "confirm"), idempotent="always")
    async def crawl(self, settings: Crawl, message: Message) -> Message:
        """Follow links, and read the pages: `{base_url, results: [{url, raw_content}]}`, as Tavily answers."""
        body = {**_walk(settings, message), "extract_depth": settings.extract_depth, "format": settings.format}
        return await answered(settings, message, self._asked.ask("/crawl", body))

    @block("tavily-map", guarantee="answered", steps=("send", "confirm"), idempotent="always")
    async def map(self, settings: Map, message: Message) -> Message:
        """Follow links, and list them: `{base_url, results: [url]}`, as Tavily answers."""
        return await answered(settings, message, self._asked.ask("/map", _walk(settings, message)))


def _headers(settings: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"}


def _walk(settings: Crawl | Map, message: Message) -> dict[str, object]:
    return {
        "url": settings.url(message),
        "max_depth": settings.max_depth,
        "max_breadth": settings.max_breadth,
        "limit": settings.limit,
        "allow_external": settings.allow_external,
        **_given(instructions=settings.instructions and settings.instructions(message)),
        **_given(select_paths=settings.select_paths, exclude_paths=settings.exclude_paths),
    }


def _given(**values: object) -> dict[str, object]:
    """The values that are not empty."""
    return {name: value for name, value in values.items() if value}


class _Web:
    def __init__(self, api: Api) -> None:
        self._api = api

    async def ask(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        return await self._api.call("POST", path, body)
