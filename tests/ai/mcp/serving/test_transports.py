"""Over HTTP: an `http` source in front of a router, and `octo mcp`'s own server; with tokens, and without."""

from __future__ import annotations

import asyncio
import http.server
import json
import socket
import threading
import time
from contextlib import asynccontextmanager

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from octo.ai.mcp.serving.published import published
from octo.ai.mcp.serving.server import server_of
from octo.ai.mcp.serving.transports import MOST_REQUEST, Entrance, application, over_http
from octo.testing import running

KEY = ec.generate_private_key(ec.SECP256R1())
MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])

PUBLISHED = """
flows:
  - name: who
    description: Who calls.
    process: [{type: set-payload, value: '{"sub": has(vars.sub) ? vars.sub : "nobody"}'}]
"""

ROUTED = """
connectors: [{name: web, type: http, settings: {host: 127.0.0.1, port: 0}}]
flows:
  - name: server
    source:
      connector: web
      type: http
      settings:
        path: /mcp
        methods: [POST]
        rawBody: true
        headers: [MCP-Protocol-Version, Mcp-Method, Mcp-Name, Origin, Authorization]
        responseHeaders: [WWW-Authenticate]
    process:
      - type: jwt-validate
        settings: {mode: jwks, jwksUrl: 'KEYS', audience: shop, resourceMetadataUrl: 'https://shop.example/.well-known/oauth-protected-resource/mcp'}
      - type: mcp-router
        settings:
          tools:
            - name: who
              description: Who calls.
              process: [{type: set-payload, value: '{"sub": vars.sub}'}]
"""


@pytest.fixture
def keys():
    """The address of an issuer, with its keys."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key()))
            data = json.dumps({"keys": [{**key, "kid": "one"}], "jwks_uri": f"{url}/keys"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield url
        server.shutdown()


def token(audience: str, **more) -> str:
    said = {"sub": "ada", "aud": audience, "exp": time.time() + 60} | more
    return jwt.encode(said, KEY, "ES256", {"kid": "one"})


@asynccontextmanager
async def serving(**entrance):
    """The address of a server that publishes the flows."""
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    stop = asyncio.Event()
    async with running(PUBLISHED) as app, asyncio.TaskGroup() as tasks:
        server = server_of(published("flows", "1", app.generation.flows.values(), 5))
        tasks.create_task(over_http(application(server, host, port, Entrance(**entrance)), listener, stop))
        try:
            yield f"http://{host}:{port}/mcp"
        finally:
            stop.set()


@asynccontextmanager
async def client_of(url: str, mode: str, **headers: str):
    async with (
        httpx2.AsyncClient(headers=headers) as http_client,
        Client(streamable_http_client(url, http_client=http_client), mode=mode) as client,
    ):
        yield client


@MODES
async def test_a_client_calls_over_http(mode):
    async with serving() as url, client_of(url, mode) as client:
        result = await client.call_tool("who", {})

    assert json.loads(result.content[0].text) == {"sub": "nobody"}


PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
PLAIN = {"Accept": "application/json, text/event-stream"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "https://chat.example", "Host": "proxy.example"}, 400),
    ],
)
async def test_other_hosts_and_pages_are_refused(headers, status):
    """The last is let in, and then asked for the session that a ping needs."""
    async with serving(hosts=["proxy.example"], origins=["https://chat.example"]) as url, httpx2.AsyncClient() as web:
        response = await web.post(url, json=PING, headers=PLAIN | headers)

    assert response.status_code == status


async def test_a_large_request_is_refused():
    async with serving() as url, httpx2.AsyncClient() as web:
        response = await web.post(
            url, content=b" " * (MOST_REQUEST + 1), headers=PLAIN | {"Content-Type": "application/json"}
        )

    assert response.status_code == 413


@MODES
async def test_a_token_of_the_issuer_lets_in(keys, mode):
    async with serving(issuer=keys, resource="http://127.0.0.1:1/mcp") as url:
        given = token("http://127.0.0.1:1/mcp", iss=keys)
        async with client_of(url, mode, Authorization=f"Bearer {given}") as client:
            result = await client.call_tool("who", {})

    assert json.loads(result.content[0].text) == {"sub": "ada"}


async def test_without_a_token_a_client_is_told_where_to_get_one(keys):
    entrance = {"issuer": keys, "resource": "http://127.0.0.1:1/mcp", "scopes": ["call"]}
    async with serving(**entrance) as url, httpx2.AsyncClient(headers=PLAIN) as web:
        none = await web.post(url, json=PING)
        other = await web.post(url, json=PING, headers={"Authorization": f"Bearer {token('other', iss=keys)}"})
        given = token("http://127.0.0.1:1/mcp", iss=keys)
        narrow = await web.post(url, json=PING, headers={"Authorization": f"Bearer {given}"})
        metadata = await web.get(url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"))

    assert [none.status_code, other.status_code, narrow.status_code] == [401, 401, 403]
    where = 'resource_metadata="http://127.0.0.1:1/.well-known/oauth-protected-resource/mcp"'
    assert where in none.headers["www-authenticate"]
    assert metadata.json()["authorization_servers"] == [keys]
    assert metadata.json()["scopes_supported"] == ["call"]


async def test_keys_that_are_not_there_let_nobody_in(keys, port, caplog):
    async with serving(issuer=keys, keys=f"http://127.0.0.1:{port}", resource="http://127.0.0.1:1/mcp") as url:
        given = token("http://127.0.0.1:1/mcp", iss=keys)
        async with httpx2.AsyncClient(headers=PLAIN) as web:
            response = await web.post(url, json=PING, headers={"Authorization": f"Bearer {given}"})

    assert response.status_code == 401
    assert "tokens cannot be checked" in caplog.text


# --- the same in front of a router -----------------------------------------------------------------------------------


@MODES
async def test_a_router_behind_a_source_knows_who_calls(keys, mode):
    async with running(ROUTED.replace("KEYS", keys)) as app:
        url = f"{app.connector('web').url}/mcp"
        async with client_of(url, mode, Authorization=f"Bearer {token('shop')}") as client:
            result = await client.call_tool("who", {})

    assert json.loads(result.content[0].text) == {"sub": "ada"}


async def test_a_router_behind_a_source_asks_for_a_token(keys):
    async with running(ROUTED.replace("KEYS", keys)) as app, httpx2.AsyncClient() as web:
        response = await web.post(f"{app.connector('web').url}/mcp", json=PING)

    assert (response.status_code, response.json()) == (401, {"error": "unauthorized"})
    assert response.headers["www-authenticate"] == (
        'Bearer resource_metadata="https://shop.example/.well-known/oauth-protected-resource/mcp"'
    )


async def test_a_client_that_leaves_in_the_middle_of_its_request_fills_no_log(caplog):
    async with serving() as url:
        host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: 1000"
        writer.write(f'POST /mcp HTTP/1.1\r\nHost: {host}:{port}\r\n{head}\r\n\r\n{{"a"'.encode())
        writer.write_eof()
        await reader.read()
        writer.close()
        async with Client(url) as client:
            assert [each.name for each in (await client.list_tools()).tools] == ["who"]

    assert [each.getMessage() for each in caplog.records if each.exc_info] == []
