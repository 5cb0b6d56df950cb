"""Folders: a tree without circles, whose branches are deleted only when empty."""

from __future__ import annotations

from tests.platform.asking import ANY, HERE, done, problem, shop
from tests.platform.conftest import on_both

ALL = f"{HERE}/folders"


async def made(client, name, parent=None):
    return (await done(client.post(ALL, json={"name": name, "parent": parent}))).json()["id"]


@on_both
async def test_the_tree(client):
    await shop(client)
    top = await made(client, "top")
    sub = await made(client, "sub", top)
    assert await problem(client.post(ALL, json={"name": "top"})) == "exists"
    await made(client, "top", top)
    assert await problem(client.patch(f"{ALL}/{top}", json={"parent": sub}, headers=ANY)) == "conflict"
    assert await problem(client.patch(f"{ALL}/{top}", json={"parent": top}, headers=ANY)) == "conflict"
    assert await problem(client.delete(f"{ALL}/{top}", headers=ANY)) == "in-use"
    await done(client.patch(f"{ALL}/{sub}", json={"parent": None, "name": "lifted"}, headers=ANY))
    await done(client.post(f"{HERE}/integrations", json={"name": "a", "folder": sub}))
    listed = {each["name"]: each for each in (await client.get(ALL)).json()}
    assert (listed["lifted"].get("parent"), listed["lifted"]["integrations"]) == (None, 1)
    assert await problem(client.delete(f"{ALL}/{sub}", headers=ANY)) == "in-use"
    found = (await client.get(f"{HERE}/integrations", params={"folder": "none"})).json()
    assert found["items"] == []
    await done(client.patch(f"{HERE}/integrations/a", json={"folder": None}, headers=ANY))
    await done(client.delete(f"{ALL}/{sub}", headers=ANY))


async def test_it_is_not_endlessly_deep(client):
    await shop(client)
    parent = None
    for n in range(9):
        parent = await made(client, f"f{n}", parent)
    last = await made(client, "last", parent)
    assert await problem(client.post(ALL, json={"name": "more", "parent": last})) == "limit"
