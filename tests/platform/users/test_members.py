"""Members of a workspace: its administrators say who may what in it, and nowhere else."""

from __future__ import annotations

import pytest


@pytest.fixture
async def sales(house):
    return await house.workspace("sales")


@pytest.fixture
async def ann(house, sales):
    """An administrator of sales, and of nothing else."""
    await house.person("boss", "admin")
    return await house.signed_in("ann", "admin", sales)


async def test_a_member_is_added_changed_and_removed_and_each_bites_at_once(house, ann):
    user = await house.person("bob")
    bob = await house.sign_in("bob")
    assert (await bob.get("/workspaces/sales/members")).json()["code"] == "not-found"

    added = await ann.put(f"/workspaces/sales/members/{user.id}", json={"role": "viewer"})
    assert added.json()["role"] == "viewer"
    assert (await bob.get("/session")).json()["code"] == "not-signed-in"
    await bob.post("/session/renewal")
    assert (await bob.get("/session")).json()["roles"] == {"sales": "viewer"}

    await ann.put("/workspaces/sales/members/bob@example.org", json={"role": "admin"})
    await bob.post("/session/renewal")
    listed = (await bob.get("/workspaces/sales/members")).json()["items"]
    assert [(each["name"], each["role"]) for each in listed] == [("ann", "admin"), ("bob", "admin")]

    assert (await ann.delete(f"/workspaces/sales/members/{user.id}")).status_code == 204
    assert (await ann.delete(f"/workspaces/sales/members/{user.id}")).json()["code"] == "not-found"
    await bob.post("/session/renewal")
    assert (await bob.get("/session")).json()["roles"] == {}


async def test_an_administrator_of_one_workspace_gives_nothing_in_another(house, ann):
    await house.workspace("stock")
    bob = await house.person("bob")
    for path in (f"/workspaces/stock/members/{bob.id}", f"/workspaces/*/members/{bob.id}"):
        told = await ann.put(path, json={"role": "viewer"})
        assert told.json()["code"] == "not-found"
    assert (await ann.patch(f"/users/{bob.id}", json={"role": "admin"})).json()["code"] == "not-allowed"


@pytest.mark.parametrize("role", ["runtime", "owner", "", None])
async def test_there_are_four_roles_to_give(house, ann, role):
    bob = await house.person("bob")
    told = await ann.put(f"/workspaces/sales/members/{bob.id}", json={"role": role})
    assert told.json()["code"] == "invalid"


@pytest.mark.parametrize("who", ["nobody@example.org", "abc", "%00", "x" * 400])
async def test_who_is_not_there_is_given_nothing(ann, who):
    told = await ann.put(f"/workspaces/sales/members/{who}", json={"role": "viewer"})
    assert told.json()["code"] in ("not-found", "invalid")


async def test_members_are_listed_in_pages(house, ann, sales):
    await house.person("bob", "viewer", sales)
    first = (await ann.get("/workspaces/sales/members?limit=1")).json()
    second = (await ann.get("/workspaces/sales/members", params={"limit": 1, "cursor": first["next"]})).json()
    assert [each["name"] for each in first["items"] + second["items"]] == ["ann", "bob"]
    assert "next" not in second
