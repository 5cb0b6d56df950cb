"""Every request goes one way: who asks, where, may they; and nobody takes what all need."""

from __future__ import annotations

import asyncio

import pytest

from octo_platform.shares import Shares
from octo_platform.web.routing import LARGEST
from tests.platform.asking import done, integration, problem, shop


@pytest.fixture
def slow(installation, monkeypatch):
    """Checking flow files takes until this is set."""
    go_on = asyncio.Event()

    async def facts(files):
        await go_on.wait()
        return {"ok": True, "problems": [], "warnings": []}

    monkeypatch.setattr(installation.inspector, "facts", facts)
    return go_on


async def _under_way(shares, count):
    while shares._taken.total() < count:
        await asyncio.sleep(0.01)


async def test_who_asks_much_at_once_is_refused_before_others_are(client, installation, slow):
    installation.requests = Shares("requests", most=10, each=2)
    await shop(client)
    await integration(client)
    check = "/workspaces/shop/integrations/orders/check"
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(client.post(check)) for _ in range(2)]
        await _under_way(installation.requests, 2)
        refused = await client.get("/workspaces")
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "busy", "2")
        slow.set()
    assert all(each.result().is_success for each in asking)
    await done(client.get("/workspaces"))


async def test_who_lets_many_files_be_checked_waits_behind_others(client, installation, slow):
    installation.checks = Shares("checks", most=10, each=1)
    await shop(client)
    await integration(client)
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(client.post("/workspaces/shop/integrations/orders/check"))
        await _under_way(installation.checks, 1)
        assert await problem(client.post("/workspaces/shop/integrations/orders/check")) == "busy"
        assert await problem(client.post("/workspaces/shop/integrations/orders/versions", json={"tag": "v1"})) == "busy"
        slow.set()
    assert asking.result().is_success


async def test_few_large_bodies_are_read_at_once(client, installation):
    await shop(client)
    await integration(client)
    installation.uploads = Shares("uploads", most=0, each=1)
    large = {"name": "more", "files": {"more.yaml": "#" * LARGEST}}
    assert await problem(client.post("/workspaces/shop/integrations", json=large)) == "busy"
    archive = "/workspaces/shop/integrations/orders/archive"

    async def pieces():
        yield b"of a length that nobody knows"

    assert await problem(client.put(archive, content=pieces(), headers={"If-Match": "*"})) == "busy"
    await done(client.post("/workspaces/shop/integrations", json={"name": "more"}))
    await done(client.get(archive))


async def test_all_keys_of_a_person_share(house):
    house.installation.requests = Shares("requests", most=10, each=0)
    browser = await house.visitor()
    assert (await browser.get("/setup")).json()["code"] == "busy"
    house.installation.requests = Shares("requests", most=10, each=5)
    ann = await house.signed_in("ann", "admin")
    robots = [await house.key(ann) for _ in range(2)]
    house.installation.requests = Shares("requests", most=10, each=0)
    assert {(await each.get("/workspaces")).json()["detail"] for each in (ann, *robots)} == {
        "0 requests of yours are under way at once: that is the most"
    }
