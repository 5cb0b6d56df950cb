"""CORS: browsers and pages of other origins."""

from __future__ import annotations

import pytest

ORIGIN = "https://shop.example"
ASK = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a, x-b"}


def cors(headers):
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith("access-control")}


async def test_preflight_is_answered_for_every_route(serve):
    """Before methods and flows: it asks about a request that has not come yet."""
    settings = {"allowedOrigins": [ORIGIN], "maxAge": 600, "allowCredentials": True}
    async with serve(cors=settings) as site, site.route(path="/a/{id}", methods=["PUT"]) as inlet:
        status, headers, text = await site.ask("OPTIONS", "/a/1", headers=ASK)
        unknown, _, _ = await site.ask("OPTIONS", "/b", headers=ASK)

    assert (status, text) == (204, "")
    assert cors(headers) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
        "access-control-allow-headers": "x-a, x-b",
        "access-control-max-age": "600",
    }
    assert "Origin" in headers["vary"]
    assert unknown == 404
    assert inlet.messages == []


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"allowedOrigins": ["https://other.example"]}, ASK),
        ({"allowedOrigins": []}, ASK),
        ({"allowedOrigins": ["*"], "allowedMethods": ["GET"]}, ASK),
    ],
)
async def test_a_refused_preflight_allows_nothing(serve, settings, asked):
    """A response without CORS headers means no."""
    async with serve(cors=settings) as site, site.route():
        status, headers, _ = await site.ask("OPTIONS", headers=asked)

    assert (status, cors(headers)) == (204, {})


async def test_allowed_headers_are_those_listed(serve):
    """Instead of all that the browser asks for."""
    async with serve(cors={"allowedOrigins": ["*"], "allowedHeaders": ["X-A"]}) as site, site.route():
        _, headers, _ = await site.ask("OPTIONS", headers=ASK)

    assert headers["access-control-allow-headers"] == "X-A"
    assert headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("settings", "origin", "allowed"),
    [
        ({"allowedOrigins": [ORIGIN]}, ORIGIN, ORIGIN),
        ({"allowedOrigins": [ORIGIN]}, "https://evil.example", None),
        ({"allowedOrigins": [ORIGIN]}, None, None),
        ({"allowedOrigins": ["*"]}, ORIGIN, "*"),
        ({"allowedOrigins": ["*"], "allowCredentials": True}, ORIGIN, ORIGIN),
        ({"allowedOrigins": ["*"]}, None, None),
    ],
)
async def test_responses_name_the_allowed_origin(serve, settings, origin, allowed):
    """Error responses too: a page must be able to read what went wrong."""
    async with serve(cors={**settings, "exposedHeaders": ["X-Total"]}) as site, site.route(methods=["GET", "POST"]):
        headers = {"Origin": origin} if origin else {}
        answers = [await site.ask("GET", headers=headers), await site.ask("POST", data=b"{", headers=headers)]

    assert [status for status, _, _ in answers] == [200, 400]
    for _, each, _ in answers:
        assert each.get("access-control-allow-origin") == allowed
        assert each.get("access-control-expose-headers") == (allowed and "X-Total")


async def test_caches_keep_origins_apart(serve):
    """A response for one origin must not be served to another; for `*` all are the same."""
    async with serve(cors={"allowedOrigins": [ORIGIN]}) as site, site.route():
        assert (await site.ask())[1]["vary"] == "Origin"
    async with serve(cors={"allowedOrigins": ["*"]}) as site, site.route():
        assert "vary" not in (await site.ask())[1]


async def test_options_without_cors_is_a_request_like_any_other(site):
    """A flow may serve OPTIONS itself; a plain OPTIONS is no preflight."""
    async with site.route(lambda message: message.with_body(message.vars["method"])):
        assert (await site.ask("OPTIONS", headers=ASK))[2] == '"OPTIONS"'
