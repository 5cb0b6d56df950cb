"""Access tokens: where credentials go, and where they never go. The conformance suite has the rest."""

from __future__ import annotations

import base64

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from mcp_day import Day

from octo.ai.mcp.client import codes, leash
from octo.core.errors import Permanent

SECRET = "the-client-s3cret"


class Gate:
    """An MCP server that asks for a token, and the authorization server that gives one, at one address.

    claimed: the issuer that the MCP server names, if it is not the real one. asked: what came to the token endpoint.
    """

    def __init__(self):
        self.day = Day()
        self.claimed = ""
        self.asked = []
        self.hint = "Bearer"

    def routes(self):
        return [
            web.post("/mcp", self.serve),
            web.get("/.well-known/oauth-protected-resource/mcp", self.resource),
            web.get("/.well-known/oauth-authorization-server", self.metadata),
            web.get("/authorize", self.authorize),
            web.post("/token", self.token),
        ]

    async def serve(self, request):
        if request.headers.get("Authorization") != f"Bearer token-{len(self.asked)}":
            return web.Response(status=401, headers={"WWW-Authenticate": self.hint})
        return await self.day.serve(request)

    async def resource(self, request):
        return web.json_response({"resource": f"{self.url}/mcp", "authorization_servers": [self.url]})

    async def metadata(self, request):
        return web.json_response(
            {
                "issuer": self.claimed or self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "response_types_supported": ["code"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        )

    async def authorize(self, request):
        return web.Response(text="<h1>Do you agree?</h1>", content_type="text/html")

    async def token(self, request):
        self.asked.append((request.headers.get("Authorization"), dict(await request.post())))
        token = {"access_token": f"token-{len(self.asked)}", "token_type": "Bearer", "expires_in": 3600}
        return web.json_response(token)


@pytest.fixture
async def gate():
    gate = Gate()
    app = web.Application()
    app.add_routes(gate.routes())
    async with TestServer(app) as server:
        gate.url = str(server.make_url("")).rstrip("/")
        yield gate


def oauth(issuer, **more):
    return {"issuer": issuer, "clientID": "flows", "clientSecret": SECRET, **more}


async def test_the_client_gets_a_token_with_its_secret(gate, opened):
    async with opened(url=f"{gate.url}/mcp", oauth=oauth(gate.url, scopes=["tools"])) as client:
        assert (await client.call("greet", {})).content == "hello"

    ((credentials, form),) = gate.asked
    assert credentials == f"Basic {base64.b64encode(f'flows:{SECRET}'.encode()).decode()}"
    assert (form["grant_type"], form["resource"]) == ("client_credentials", f"{gate.url}/mcp")


async def test_a_token_that_has_expired_is_got_again(gate, opened):
    async with opened(url=f"{gate.url}/mcp", oauth=oauth(gate.url)) as client:
        await client.tools()
        gate.asked.append("a token that nobody has")  # so that the server refuses the one it gave

        assert (await client.call("greet", {})).content == "hello"


@pytest.mark.parametrize("claimed", ["", "https://login.example.com"])
async def test_the_secret_never_goes_to_another_issuer(gate, opened, claimed):
    """Neither if the MCP server names another one, nor if its metadata claims to be the right one."""
    gate.claimed = claimed

    with pytest.raises(Permanent, match="no access token") as caught:
        async with opened(url=f"{gate.url}/mcp", oauth=oauth("https://login.example.com")):
            pass

    assert caught.value.code == codes.REFUSED
    assert gate.asked == []
    assert SECRET not in str(caught.value)


async def test_a_public_server_leads_into_no_private_network(gate, opened, monkeypatch):
    """Not by an address that it names for its metadata. Of a server in the same network that is nothing special."""
    place = gate.url.replace("127.0.0.1", "localhost")  # another host than the one that is written in the settings
    gate.hint = f'Bearer resource_metadata="{place}/.well-known/oauth-protected-resource/mcp"'
    how = {"url": f"{gate.url}/mcp", "oauth": oauth(gate.url)}
    async with opened(**how) as client:
        await client.tools()
    gate.asked.clear()
    real = leash._is_private

    async def is_private(url):
        return url.host != "127.0.0.1" and await real(url)

    monkeypatch.setattr(leash, "_is_private", is_private)
    with pytest.raises(Permanent, match="the server leads to localhost, which is an address of a private network"):
        async with opened(**how):
            pass
    assert gate.asked == []


async def test_a_server_that_asks_a_person_is_an_error_that_says_so(gate, opened):
    how = {"grant": "authorization-code", "clientID": "flows", "issuer": gate.url}

    with pytest.raises(Permanent, match="the authorization server asks a person, and none is there"):
        async with opened(url=f"{gate.url}/mcp", oauth=how):
            pass

    assert gate.asked == []
