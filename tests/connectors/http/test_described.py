"""The document and the page are served if the connector says so, follow the routes, and ask for its credentials."""

from __future__ import annotations

import json

import pytest

from octo.connectors.http import Server
from octo.core.errors import Permanent

SETTINGS = {"openapi": "/openapi.json", "docs": "/docs", "basePath": "/api"}


async def test_by_default_there_is_neither(site):
    async with site.route(path="/orders"):
        assert [(await site.ask(path=path))[0] for path in ("/openapi.json", "/docs")] == [404, 404]


async def test_they_follow_the_routes(serve, inlet):
    async with serve(**SETTINGS, apiVersion="3.1") as site:
        async with site.route(inlet(flow="orders", input={"type": "object"}), path="/orders", methods=["POST"]):
            status, headers, text = await site.ask(path="/openapi.json")
            assert (status, headers["Content-Type"]) == (200, "application/json")
            found = json.loads(text)
            assert found["info"] == {"title": "shop", "version": "3.1"}
            assert list(found["paths"]) == ["/api/orders"]
            async with site.route(path="/other"):
                assert list(json.loads((await site.ask(path="/openapi.json"))[2])["paths"]) == [
                    "/api/orders",
                    "/api/other",
                ]
            assert list(json.loads((await site.ask(path="/openapi.json"))[2])["paths"]) == ["/api/orders"]

            status, headers, text = await site.ask(path="/docs")
            assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
            assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "/api/orders" in text
            assert 'href="/api/openapi.json"' in text
            assert (await site.ask("POST", "/docs"))[0] == 405
        assert (await site.ask(path="/docs"))[0] == 503, "without a route the server is shutting down"


async def test_they_ask_for_the_credentials_of_the_connector(serve):
    auth = {"type": "basic", "username": "ada", "password": "secret"}
    async with serve(**SETTINGS, auth=auth) as site, site.route(path="/open", auth={"type": "none"}):
        assert (await site.ask(path="/open"))[0] == 200
        for path in ("/openapi.json", "/docs"):
            assert (await site.ask(path=path))[0] == 401
            status, _, text = await site.ask(path=path, headers={"Authorization": "Basic YWRhOnNlY3JldA=="})
            assert status == 200
            assert "secret" not in text


async def test_a_flow_cannot_have_their_path(serve):
    async with serve(**SETTINGS) as site:
        async with site.route(path="/orders"):
            with pytest.raises(Permanent, match="the flow test serves '/docs', which is also a page"):
                async with site.route(path="/docs"):
                    pass
            assert (await site.ask(path="/docs"))[0] == 200
        async with site.route(path="/orders"):
            assert (await site.ask(path="/docs"))[0] == 200


def test_each_has_a_path_of_its_own():
    with pytest.raises(ValueError, match="two pages"):
        Server.model_validate({"openapi": "/docs", "docs": "/docs"})
