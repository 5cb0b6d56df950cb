"""The requests to Tavily, field by field."""

from __future__ import annotations

import pytest

from octo.connectors.tavily import Tavily
from octo.core.flow import Failure
from octo.testing import check_connector
from octo.testing.harness import running
from tests.connectors.standins import KEY, Fault, TavilyStandIn

FLOWS = """
connectors: [{name: web, type: tavily, settings: {apiKey: KEY, baseURL: 'ADDRESS', maxAttempts: 1}}]
flows:
  - {name: search, process: [{type: tavily-search, connector: web, query: body}]}
  - name: search-all
    process:
      - type: tavily-search
        connector: web
        query: body
        searchDepth: advanced
        topic: news
        maxResults: 3
        timeRange: week
        includeAnswer: true
        includeRawContent: true
        includeDomains: [a.test]
        excludeDomains: [b.test]
        resultVar: found
  - {name: extract, process: [{type: tavily-extract, connector: web, urls: body, format: text}]}
  - {name: crawl, process: [{type: tavily-crawl, connector: web, url: body, limit: 3, instructions: '"find prices"'}]}
  - {name: map, process: [{type: tavily-map, connector: web, url: body, selectPaths: [/docs/.*], allowExternal: true}]}
  - {name: lenient, process: [{type: tavily-search, connector: web, query: body, failOnError: false}]}
"""


@pytest.fixture
async def server():
    async with TavilyStandIn().served() as server:
        yield server


@pytest.fixture
async def app(server, plugins):
    async with running(FLOWS.replace("KEY", KEY).replace("ADDRESS", server.url), plugins) as app:
        yield app


async def test_the_answer_is_the_body_or_a_variable(app):
    assert (await app.call("search", "octo")).body["results"][0]["content"] == "Flows."
    outcome = await app.call("search-all", "octo")
    assert (outcome.body, outcome.vars["found"]["query"]) == ("octo", "octo")


async def test_the_requests(server, app):
    await app.call("search", "octo")
    await app.call("search-all", "octo")
    await app.call("extract", "https://a.test")
    await app.call("extract", ["https://a.test", "https://b.test"])
    await app.call("crawl", "https://a.test")
    await app.call("map", "https://a.test")

    walk = {"url": "https://a.test", "max_depth": 1, "max_breadth": 20}
    assert all(each.headers["authorization"] == f"Bearer {KEY}" for each in server.asked)
    assert [(each.method, each.path, each.body) for each in server.asked] == [
        (
            "POST",
            "/search",
            {
                "query": "octo",
                "search_depth": "basic",
                "topic": "general",
                "max_results": 5,
                "include_answer": False,
                "include_raw_content": False,
            },
        ),
        (
            "POST",
            "/search",
            {
                "query": "octo",
                "search_depth": "advanced",
                "topic": "news",
                "max_results": 3,
                "include_answer": True,
                "include_raw_content": True,
                "time_range": "week",
                "include_domains": ["a.test"],
                "exclude_domains": ["b.test"],
            },
        ),
        ("POST", "/extract", {"urls": ["https://a.test"], "extract_depth": "basic", "format": "text"}),
        (
            "POST",
            "/extract",
            {"urls": ["https://a.test", "https://b.test"], "extract_depth": "basic", "format": "text"},
        ),
        (
            "POST",
            "/crawl",
            {
                **walk,
                "limit": 3,
                "allow_external": False,
                "instructions": "find prices",
                "extract_depth": "basic",
                "format": "markdown",
            },
        ),
        ("POST", "/map", {**walk, "limit": 50, "allow_external": True, "select_paths": ["/docs/.*"]}),
    ]


@pytest.mark.parametrize("urls", [[], ["x"] * 21, 7, [None], ""])
async def test_pages_to_read_are_a_few_addresses(server, app, urls):
    with pytest.raises(Failure, match="a list of 1 to 20"):
        await app.call("extract", urls)
    assert server.asked == []


async def test_an_error_fails_the_block_unless_it_may_be_an_answer(server, app):
    server.fail(*[Fault(401, f'{{"detail": {{"error": "Unauthorized: {KEY}"}}}}')] * 2)
    with pytest.raises(Failure, match="401") as caught:
        await app.call("search", "x")
    assert KEY not in str(caught.value)

    outcome = await app.call("lenient", "x")
    assert outcome.body["error"]["code"] == "OCTO-W123"
    assert KEY not in str(outcome.body)


async def test_a_stub_has_answers(stubbed):
    text = FLOWS.replace("KEY", KEY).replace("ADDRESS", "http://nowhere.test")
    stub = {"results": [{"url": "https://a.test", "text": "t"}], "extract": {"results": [{"url": "u"}]}}
    async with stubbed(text, web=stub) as app:
        found = (await app.call("search", "x")).body["results"]
        assert found == [{"title": "", "url": "https://a.test", "content": "t", "score": None}]
        assert (await app.call("extract", "u")).body == {"results": [{"url": "u"}]}
        assert (await app.call("map", "u")).body == {"results": []}


async def test_it_keeps_the_promises_of_connectors(server):
    blocks = {
        "tavily-search": {"query": '"octo"'},
        "tavily-extract": {"urls": '"https://a.test"'},
        "tavily-crawl": {"url": '"https://a.test"'},
        "tavily-map": {"url": '"https://a.test"'},
    }
    await check_connector(Tavily, {"apiKey": KEY, "baseURL": server.url}, blocks=blocks)
