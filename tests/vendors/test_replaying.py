"""What a vendor has answered is recorded once, and given again without it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from octo.connectors.brave import Account as BraveAccount, Brave
from octo.connectors.searxng import Searxng, Server
from octo.connectors.tavily import Account, Tavily
from octo.connectors.tavily.stub import Stub as TavilyStub
from octo.core import secrets
from octo.core.cassette import Cassette, Exchange
from octo.core.errors import Overloaded, Permanent
from octo.vendors.replaying import FORM, RecordedReply, RecordedRequest
from octo.vendors.searching import Stub
from tests.connectors.standins import KEY, BraveStandIn, Fault, SearxngStandIn, TavilyStandIn


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch):
    monkeypatch.setattr(secrets, "_secrets", {})
    monkeypatch.setattr(secrets, "_names", {})


def tavily(url, stub):
    return Tavily.stub(Account.model_validate({"apiKey": KEY, "baseURL": url, "maxAttempts": 1}), stub)


def brave(url, stub):
    return Brave.stub(BraveAccount.model_validate({"apiKey": KEY, "baseURL": url}), stub)


def searxng(url, stub):
    return Searxng.stub(Server.model_validate({"url": url}), stub)


@asynccontextmanager
async def opened(opening, url, cassette, kind=Stub):
    stub = kind.model_validate({"cassette": "c.yaml"})
    stub.insert(cassette)
    async with opening(url, stub) as connector:
        yield connector


@pytest.mark.parametrize(
    ("opening", "stand_in", "kind"),
    [(tavily, TavilyStandIn, TavilyStub), (brave, BraveStandIn, Stub), (searxng, SearxngStandIn, Stub)],
)
async def test_a_search_is_recorded_and_given_again(opening, stand_in, kind):
    """Wherever the vendor is; without the key."""
    recorded = Cassette(Path("c.yaml"), FORM, mode="record")
    async with stand_in().served() as server, opened(opening, server.url, recorded, kind) as connector:
        first = await connector.search("two words", 2)
    async with opened(
        opening, "https://elsewhere.test", Cassette(Path("c.yaml"), FORM, recorded.exchanges), kind
    ) as it:
        again = await it.search("two words", 2)

    (exchange,) = recorded.exchanges
    RecordedRequest.model_validate(exchange.request)
    RecordedReply.model_validate(exchange.reply)
    assert first
    assert again == first
    assert KEY not in str(exchange)


async def test_what_was_not_recorded_is_no_call():
    async with opened(tavily, "https://nowhere.test", Cassette(Path("c.yaml"), FORM), TavilyStub) as connector:
        with pytest.raises(Permanent, match="no reply to POST /search") as caught:
            await connector.search("x", 2)

    assert caught.value.code == "OCTO-Y101"


async def test_an_error_is_recorded_as_it_was():
    """With what `Retry-After` said, and a text that is no JSON."""
    recorded = Cassette(Path("c.yaml"), FORM, mode="record")
    async with TavilyStandIn().served() as server:
        server.fail(Fault(429, "slow down", {"Retry-After": "17"}))
        async with opened(tavily, server.url, recorded, TavilyStub) as connector:
            with pytest.raises(Overloaded):
                await connector.search("x", 2)

    assert recorded.exchanges == [
        Exchange(
            {"method": "POST", "path": "/search", "body": {"query": "x", "max_results": 2}},
            {"status": 429, "retryAfter": "17", "text": "slow down"},
        )
    ]
    async with opened(tavily, server.url, Cassette(Path("c.yaml"), FORM, recorded.exchanges), TavilyStub) as connector:
        with pytest.raises(Overloaded, match="slow down") as caught:
            await connector.search("x", 2)
    assert caught.value.retry_after == 17.0
    assert FORM.doubt(recorded.exchanges[0].reply) == "status 429"


async def test_drift_leaves_out_what_is_another_each_time():
    found = {"results": [], "response_time": 0.5}
    asked = {"method": "POST", "path": "/search", "body": {"query": "x", "max_results": 2}}
    cassette = Cassette(Path("c.yaml"), FORM, [Exchange(asked, {"status": 200, "body": found})], mode="drift")
    async with TavilyStandIn().served() as server, opened(tavily, server.url, cassette, TavilyStub) as connector:
        await connector.search("x", 2)

    paths = {each.path for each in cassette.asked[0].changes}
    assert "body.response_time" not in paths
    assert "body.results[0]" in paths
