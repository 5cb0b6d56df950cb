"""One request, one response: statuses, headers that repeat arguments, and errors that tell nothing."""

from __future__ import annotations

import pytest

from octo.ai.mcp.serving.offer import Offer, Shape, Tool
from octo.ai.mcp.serving.server import server_of
from octo.core.message import Message
from octo.mcp.exchange import METHOD, NAME, VERSION, Seen, exchange

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
SCHEMA = {"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}


@pytest.fixture
def server():
    return server_of(Offer("test", "1", tools=[Tool("a", "A.", Shape.of(SCHEMA), lambda message: message)]))


def seen(**more: str) -> Seen:
    values = {VERSION: "2026-07-28", METHOD: "tools/call", NAME: "a"}
    return Seen(values | {name.replace("_", "-"): value for name, value in more.items()}, is_routed=True)


async def ask(server, seen, params):
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"_meta": META, **params}}
    return await exchange(server, body, seen, Message())


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (seen(mcp_param_region="eu"), 200),
        (seen(mcp_param_region="=?base64?ZXU=?="), 200),
        (seen(mcp_param_region="us"), 400),
        (seen(mcp_param_region="=?base64?!?="), 400),
        (seen(), 400),
    ],
)
async def test_headers_repeat_arguments(server, given, status):
    reply = await ask(server, given, {"name": "a", "arguments": {"region": "eu"}})

    assert reply.status == status


async def test_headers_that_the_flow_does_not_see_are_not_checked(server):
    reply = await ask(server, Seen({}, is_routed=False), {"name": "a", "arguments": {"region": "eu"}})

    assert reply.status == 200


@pytest.mark.parametrize(
    ("meta", "code"),
    [
        ({}, -32602),
        ({"io.modelcontextprotocol/protocolVersion": "2026-07-28"}, -32602),
        ({**META, "io.modelcontextprotocol/protocolVersion": "2031-01-01"}, -32020),
        ("no map", -32602),
    ],
)
async def test_an_envelope_that_is_not_whole_is_refused(server, meta, code):
    reply = await ask(server, seen(), {"name": "a", "_meta": meta})

    assert (reply.status, reply.body["error"]["code"], reply.body["id"]) == (400, code, 7)


async def test_a_revision_that_is_not_served_is_named_with_those_that_are(server):
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "2031-01-01"}
    given = seen()._replace(values={VERSION: "2031-01-01", METHOD: "tools/call", NAME: "a"})
    reply = await ask(server, given, {"name": "a", "_meta": meta})

    assert (reply.status, reply.body["error"]["code"]) == (400, -32022)
    assert reply.body["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2031-01-01"}


@pytest.mark.parametrize("params", [{"name": 4}, {}, {"name": "a", "arguments": []}])
async def test_wrong_parameters_are_invalid(server, params):
    reply = await ask(server, Seen({}, is_routed=False), params)

    assert (reply.status, reply.body["error"]["code"]) == (400, -32602)


async def test_an_older_client_gets_its_errors_with_200(server):
    body = {"jsonrpc": "2.0", "id": 7, "method": "no/such"}
    reply = await exchange(server, body, Seen({VERSION: "2025-11-25"}, is_routed=False), Message())

    assert (reply.status, reply.body["error"]["code"]) == (200, -32601)
