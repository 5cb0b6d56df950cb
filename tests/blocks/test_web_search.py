"""web-search finds pages with any provider, and bounds what it found."""

from __future__ import annotations

import pytest

from octo.connectors.tavily import Account, Tavily
from octo.core.errors import OctoError, Permanent
from octo.core.flow import Failure
from octo.testing.harness import running
from tests.connectors.standins import KEY, BraveStandIn, Fault, SearxngStandIn, TavilyStandIn

FLOWS = """
connectors: [{name: web, type: TYPE, settings: SETTINGS}]
flows:
  - {name: ask, process: [{type: web-search, connector: web, query: body, maxResults: 2, as: found}]}
  - {name: short, process: [{type: web-search, connector: web, query: body, maxCharacters: 3}]}
"""
PROVIDERS = {
    "tavily": (TavilyStandIn, "{apiKey: KEY, baseURL: 'ADDRESS'}"),
    "brave": (BraveStandIn, "{apiKey: KEY, baseURL: 'ADDRESS'}"),
    "searxng": (SearxngStandIn, "{url: 'ADDRESS'}"),
}
FOUND = {
    "tavily": [{"title": "Octo", "url": "https://octo.test/", "text": "Flows.", "score": 0.9}],
    "brave": [
        {"title": "A & B", "url": "https://a.test/", "text": "It's <b>"},
        {"title": "B", "url": "https://b.test/", "text": "two"},
    ],
    "searxng": [
        {"title": "T0", "url": "https://s.test/0", "text": "text 0"},
        {"title": "T1", "url": "https://s.test/1", "text": "text 1"},
    ],
}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_any_provider_will_do(provider, plugins):
    stand_in, settings = PROVIDERS[provider]
    async with stand_in().served() as server:
        written = settings.replace("KEY", KEY).replace("ADDRESS", server.url)
        text = FLOWS.replace("TYPE", provider).replace("SETTINGS", written)
        async with running(text, plugins) as app:
            outcome = await app.call("ask", " what is octo? ")
            short = await app.call("short", "octo")

    assert (outcome.body, outcome.vars["found"]) == (" what is octo? ", FOUND[provider])
    assert [len(each["text"]) for each in short.body] == [3] * len(short.body)


@pytest.mark.parametrize("query", ["", "  ", "x" * 2001])
async def test_a_query_has_a_length(query, plugins):
    text = FLOWS.replace("TYPE", "searxng").replace("SETTINGS", "{url: 'http://nowhere.test'}")
    async with running(text, plugins) as app:
        with pytest.raises(Failure, match="1 to 2,000 characters"):
            await app.call("ask", query)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(401, '{"detail": {"error": "Unauthorized"}}'), "OCTO-W123"),
        (Fault(432, '{"detail": {"error": "exceeds your plan"}}'), "OCTO-W124"),
        (Fault(429), "OCTO-W124"),
        (Fault(500), "OCTO-W126"),
        (Fault(200, "<html>"), "OCTO-W127"),
        (Fault(how="cut"), "OCTO-W121"),
    ],
    ids=lambda each: getattr(each, "how", "") or str(getattr(each, "status", "")),
)
async def test_an_error_of_the_provider_is_one_of_the_block(fault, code):
    async with TavilyStandIn().served() as server:
        settings = Account.model_validate({"apiKey": KEY, "baseURL": server.url, "maxAttempts": 1})
        server.fail(fault)
        async with Tavily.open(settings) as tavily:
            with pytest.raises(OctoError) as caught:
                await tavily.search("x", 1)

    assert caught.value.code == code
    assert isinstance(caught.value, Permanent) is (code in ("OCTO-W123", "OCTO-W127") or fault.status == 432)
