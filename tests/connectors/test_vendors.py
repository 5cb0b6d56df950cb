"""Every connector of a vendor deals with bad days in the same way."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from octo.connectors.brave import Account as BraveAccount, Brave
from octo.connectors.pinecone import Index, Pinecone
from octo.connectors.qdrant import Collection, Qdrant
from octo.connectors.searxng import Searxng, Server
from octo.connectors.tavily import Account as TavilyAccount, Tavily
from octo.core.errors import Overloaded, Permanent, Timeout, Transient
from tests.connectors.standins import (
    KEY,
    BraveStandIn,
    Fault,
    PineconeStandIn,
    QdrantStandIn,
    SearxngStandIn,
    TavilyStandIn,
)


@asynccontextmanager
async def pinecone(**settings):
    async with PineconeStandIn().served() as server:
        given = {"apiKey": KEY, "index": "docs", "host": server.url, "dimension": 3, **settings}
        async with Pinecone.open(Index.model_validate(given)) as opened:
            yield server, lambda: opened.store.query([1.0, 0.0, 0.0], 3, (), "")


@asynccontextmanager
async def qdrant(**settings):
    async with QdrantStandIn().served() as server:
        given = {"url": server.url, "apiKey": KEY, "collection": "docs", "dimension": 3, **settings}
        async with Qdrant.open(Collection.model_validate(given)) as opened:
            server.asked.clear()
            yield server, lambda: opened.store.query([1.0, 0.0, 0.0], 3, (), "")


@asynccontextmanager
async def tavily(**settings):
    async with TavilyStandIn().served() as server:
        given = TavilyAccount.model_validate({"apiKey": KEY, "baseURL": server.url, **settings})
        async with Tavily.open(given) as opened:
            yield server, lambda: opened.search("x", 3)


@asynccontextmanager
async def brave(**settings):
    async with BraveStandIn().served() as server:
        given = BraveAccount.model_validate({"apiKey": KEY, "baseURL": server.url, **settings})
        async with Brave.open(given) as opened:
            yield server, lambda: opened.search("x", 3)


@asynccontextmanager
async def searxng(**settings):
    async with SearxngStandIn().served() as server:
        given = Server.model_validate({"url": server.url, **settings})
        async with Searxng.open(given) as opened:
            yield server, lambda: opened.search("x", 3)


VENDORS = [pinecone, qdrant, tavily, brave, searxng]
SAID = '{"error": {"message": "not today"}}'
FAULTS = {
    "401": (Fault(401, SAID), Permanent, "OCTO-W123"),
    "403": (Fault(403, SAID), Permanent, "OCTO-W123"),
    "400": (Fault(400, SAID), Permanent, "OCTO-W125"),
    "429": (Fault(429, SAID, {"Retry-After": "17"}), Overloaded, "OCTO-W124"),
    "500": (Fault(500, SAID), Transient, "OCTO-W126"),
    "503": (Fault(503, SAID, {"Retry-After": "17"}), Transient, "OCTO-W126"),
    "529": (Fault(529, SAID), Transient, "OCTO-W126"),
    "cut": (Fault(how="cut"), Transient, "OCTO-W121"),
    "reset": (Fault(how="reset"), Transient, "OCTO-W121"),
    "silent": (Fault(how="silent"), Timeout, "OCTO-W122"),
    "half": (Fault(200, '{"matches": ['), Permanent, "OCTO-W127"),
    "page": (Fault(200, "<html>Log in</html>"), Permanent, "OCTO-W127"),
    "list": (Fault(200, "[]"), Permanent, "OCTO-W127"),
}


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", FAULTS)
async def test_what_goes_wrong_says_who_must_act(vendor, name):
    fault, kind, code = FAULTS[name]
    settings = {"timeout": "100ms"} if name == "silent" else {}
    async with vendor(maxAttempts=1, **settings) as (server, call):
        server.fail(fault)
        with pytest.raises(kind) as caught:
            await call()
        if name != "silent":
            assert isinstance(await call(), list)  # the next one is as good as ever

    assert (type(caught.value), caught.value.code) == (kind, code)
    assert KEY not in str(caught.value)
    if "Retry-After" in fault.headers:
        assert caught.value.retry_after == 17.0


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda each: each.__name__)
async def test_what_passes_is_tried_again(vendor):
    async with vendor(maxAttempts=3) as (server, call):
        server.fail(Fault(429, headers={"Retry-After": "0"}), Fault(503, headers={"Retry-After": "0"}))
        assert isinstance(await call(), list)

    assert len(server.asked) == 3
    assert len({(each.method, each.path, str(each.query), str(each.body)) for each in server.asked}) == 1
