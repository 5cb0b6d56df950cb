"""The route of MCP: who may ask, from where, and what comes back for what is no request."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from octo_platform.storage.tables import AuditEntry
from tests.platform.asking import problem
from tests.platform.conftest import BASE
from tests.platform.mcp.conftest import Assistant

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


async def test_it_needs_a_key_and_a_cookie_is_none(house, boss):
    assert await problem(Assistant(await house.visitor()).post(PING)) == "not-signed-in"
    stranger = await house.visitor(Authorization="Bearer octo_" + "A" * 43)
    found = await Assistant(stranger).post(PING)
    assert (found.status_code, found.headers["www-authenticate"]) == (401, 'Bearer realm="octo"')
    assert await problem(Assistant(boss).post(PING)) == "not-allowed"


async def test_a_key_that_was_revoked_opens_nothing(house, boss, assistant):
    assert (await assistant.post(PING)).status_code == 200
    [key] = (await boss.get("/keys")).json()["items"]
    await boss.delete(f"/keys/{key['id']}")
    assert await problem(assistant.post(PING)) == "not-signed-in"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example:8321"])
async def test_pages_of_other_sites_are_refused_even_with_a_key(assistant, origin):
    assert await problem(assistant.post(PING, Origin=origin)) == "cross-site"


async def test_a_page_of_ours_and_a_program_are_let_in(assistant):
    assert (await assistant.post(PING, Origin=BASE)).json()["result"] == {}
    assert (await assistant.post(PING)).headers["cache-control"] == "no-store"


async def test_another_name_of_the_host_is_refused(assistant):
    assert await problem(assistant.post(PING, Host="evil.example")) == "wrong-host"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_are_no_streams_and_no_sessions(assistant, method):
    found = await assistant.client.request(method, f"{BASE}/mcp")
    assert (found.status_code, found.headers["allow"], found.json()["code"]) == (405, "POST", "wrong-method")


async def test_what_is_no_request_is_answered_as_the_protocol_says(assistant):
    assert await problem(assistant.post(PING, **{"Content-Type": "text/plain"})) == "wrong-type"
    for body, code in ((b"{", -32700), (b"\xff", -32700), ([PING], -32600), ({"id": 1}, -32600), (b"1", -32600)):
        found = await assistant.post(body)
        assert (found.status_code, found.json()["error"]["code"]) == (400, code), body
    assert (await assistant.ask("tools/nothing"))["code"] == -32601


async def test_a_notification_has_no_answer(assistant):
    found = await assistant.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (found.status_code, found.content) == (202, b"")


async def test_a_body_has_a_size(assistant):
    assert await problem(assistant.post(b" " * (3 << 20))) == "too-large"


async def test_only_what_a_call_changes_is_noted_and_as_a_request_of_its_own(house, assistant):
    await assistant.tools()
    await assistant.done("list_integrations", workspace="shop")
    await assistant.done("create_version", workspace="shop", integration="orders", tag="v1")
    await assistant.refused("write_file", workspace="shop", integration="orders", path="orders.yaml", content="x: 1")
    async with house.installation.database.read() as session:
        rows = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(3))).all()
    assert [(each.action, each.outcome, each.target) for each in rows[:2]] == [
        ("integrations.write", 428, "file shop/orders/orders.yaml"),
        ("versions.write", 200, "version shop/orders v1"),
    ]
    assert all(each.actor.startswith("key:") for each in rows[:2])
    assert rows[2].action not in ("mcp.use", "integrations.read")


async def test_without_signing_in_it_asks_for_no_key(client):
    found = await client.post(f"{BASE}/mcp", json=PING)
    assert found.json() == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert (
        await problem(client.post(f"{BASE}/mcp", json=PING, headers={"Origin": "https://evil.example"})) == "cross-site"
    )


@pytest.mark.parametrize(
    "body",
    [
        {"jsonrpc": "2.0", "id": "\ud800", "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": "\ud800"},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "\ud800"}},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "scale", "arguments": []}},
        {"jsonrpc": "2.0", "id": 10**400, "method": "ping"},
        b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"jsonrpc": "2.0", "id": NaN, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": ' + b"9" * 5000 + b', "method": "ping"}',
    ],
)
async def test_nothing_that_is_sent_makes_it_fail(assistant, body):
    found = await assistant.post(body)
    assert found.status_code < 500
    json.loads(found.content)
