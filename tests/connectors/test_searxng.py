"""The requests to SearXNG, field by field."""

from __future__ import annotations

import pytest

from octo.connectors.searxng import Searxng, Server
from octo.core.errors import Permanent
from octo.testing import check_connector
from tests.connectors.standins import Fault, SearxngStandIn


async def test_the_request_to_searxng():
    async with SearxngStandIn().served() as server:
        settings = Server.model_validate({"url": server.url, "language": "en", "categories": ["news", "it"]})
        async with Searxng.open(settings) as searxng:
            await searxng.search("x", 7)

    assert server.asked[0].query == [("q", "x"), ("format", "json"), ("language", "en"), ("categories", "news,it")]


async def test_a_server_that_may_not_answer_with_json_says_so():
    async with SearxngStandIn().served() as server:
        server.fail(Fault(403, "<h1>Forbidden</h1>"))
        async with Searxng.open(Server.model_validate({"url": server.url})) as searxng:
            with pytest.raises(Permanent, match="SearXNG answered 403"):
                await searxng.search("x", 7)


async def test_it_keeps_the_promises_of_connectors():
    async with SearxngStandIn().served() as server:
        await check_connector(Searxng, {"url": server.url})
