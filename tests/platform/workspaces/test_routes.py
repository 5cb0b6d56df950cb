"""Workspaces: made, listed, renamed, and deleted only when empty."""

from __future__ import annotations

import pytest

from tests.platform.asking import ANY, HERE, done, integration, problem, shop
from tests.platform.conftest import on_both


@on_both
async def test_the_life_of_a_workspace(client):
    made = await done(client.post("/workspaces", json={"name": "shop", "title": " The shop "}))
    assert made.json()["title"] == "The shop"
    assert await problem(client.post("/workspaces", json={"name": "shop"})) == "exists"
    tag = {"If-Match": made.headers["etag"]}
    changed = await done(client.patch(HERE, json={"title": "Shop"}, headers=tag))
    assert await problem(client.patch(HERE, json={"title": "x"}, headers=tag)) == "changed"
    assert await problem(client.patch(HERE, json={"title": "x"})) == "if-match-needed"
    assert await problem(client.delete(HERE)) == "if-match-needed"
    assert (await client.delete(HERE, headers={"If-Match": changed.headers["etag"]})).status_code == 204
    assert await problem(client.get(HERE)) == "not-found"


@on_both
async def test_one_that_is_not_empty_is_in_use(client):
    await shop(client)
    assert await problem(client.delete(HERE, headers=ANY)) == "in-use"
    assert (await client.delete(HERE, headers=ANY)).json()["detail"] == "it has environments: remove them first"
    await done(client.delete(f"{HERE}/environments/dev", headers=ANY))
    await integration(client)
    assert await problem(client.delete(HERE, headers=ANY)) == "in-use"


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a-", "a/b", "ä", "a" * 41, "a\0", "..", None, 1])
async def test_a_name_that_is_no_part_of_a_host_is_refused(client, name):
    assert await problem(client.post("/workspaces", json={"name": name})) == "invalid"


async def test_a_member_that_is_not_known_is_refused(client):
    answer = await client.post("/workspaces", json={"name": "a", "tittle": "b"})
    assert (answer.status_code, answer.json()["detail"].startswith("tittle")) == (422, True)
