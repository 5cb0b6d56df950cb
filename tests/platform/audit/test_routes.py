"""Every write is in the audit log, in the same transaction; what was refused is too."""

from __future__ import annotations

from tests.platform.asking import ANY, HERE, done, problem, shop
from tests.platform.conftest import on_both


@on_both
async def test_writes_and_refusals_and_no_reads(client):
    await shop(client)
    await done(client.get("/workspaces"))
    await problem(client.post("/workspaces", json={"name": "shop"}))
    await problem(client.post("/workspaces", json={"name": "NO"}))
    await problem(client.patch(HERE, json={"title": "x"}))
    await done(client.patch(HERE, json={"title": "x"}, headers=ANY))
    found = (await done(client.get("/audit"))).json()["items"]
    assert [(each["action"], each["outcome"], each["target"]) for each in reversed(found)] == [
        ("workspaces.write", 200, "workspace shop"),
        ("environments.write", 200, "environment shop/dev"),
        ("workspaces.write", 409, "workspace shop"),
        ("workspaces.write", 422, "/api/v1/workspaces"),
        ("workspace.write", 428, "workspace shop"),
        ("workspace.write", 200, "workspace shop"),
    ]
    assert {each["actor"] for each in found} == {"local:local"}


async def test_a_workspace_shows_its_own(client):
    await shop(client)
    await done(client.post("/workspaces", json={"name": "other"}))
    found = (await done(client.get(f"{HERE}/audit"))).json()["items"]
    assert [each["target"] for each in found] == ["environment shop/dev"]


@on_both
async def test_what_steers_a_terminal_is_not_kept(client):
    await shop(client)
    for path in ("%1b%5b31m", "%00", "a%0ab", "%e2%80%ae"):
        await client.delete(f"{HERE}/integrations/orders/files/{path}", headers=ANY)
        await client.delete(f"{HERE}/integrations/{path}", headers=ANY)
    found = (await done(client.get("/audit"))).json()["items"]
    assert len(found) >= 8
    assert all(each["target"].isprintable() for each in found)
