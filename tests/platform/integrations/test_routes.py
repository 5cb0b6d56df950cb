"""Integrations: made from samples and files, searched, moved, and deleted only when nothing runs them."""

from __future__ import annotations

import asyncio

import pytest

from octo_platform.integrations import samples
from tests.platform.asking import ANY, FLOW, HERE, deployment, done, integration, problem, shop, until, until_gone
from tests.platform.conftest import on_both

ALL = f"{HERE}/integrations"


def names(answer):
    return [each["name"] for each in answer.json()["items"]]


@pytest.mark.parametrize("sample", samples.names())
async def test_every_sample_is_a_beginning(client, sample):
    await shop(client)
    await done(client.post(ALL, json={"name": "a", "sample": sample}))
    paths = [each["path"] for each in (await done(client.get(f"{ALL}/a/files"))).json()]
    assert f"{sample}.yaml" in paths


async def test_without_files_it_has_a_first_flow_that_is_right(client):
    await shop(client)
    await done(client.post(ALL, json={"name": "a"}))
    assert (await done(client.post(f"{ALL}/a/check"))).json()["ok"]


async def test_text_and_bytes(client):
    await shop(client)
    body = {"name": "a", "files": {"a.yaml": FLOW}, "binary": {"logo.png": "/w=="}}
    await done(client.post(ALL, json=body))
    assert (await client.get(f"{ALL}/a/files/logo.png")).content == b"\xff"
    assert (await client.get(f"{ALL}/a/files/logo.png")).headers["content-type"] == "application/octet-stream"


@on_both
async def test_search_by_a_part_of_name_or_title(client):
    await shop(client)
    for name, title in (("orders", "All Orders"), ("returns", "50% back"), ("x-orders", "")):
        await done(client.post(ALL, json={"name": name, "title": title}))
    assert names(await client.get(ALL, params={"q": "ORDERS"})) == ["x-orders", "orders"]
    assert names(await client.get(ALL, params={"q": "50%"})) == ["returns"]
    assert names(await client.get(ALL, params={"q": "%"})) == ["returns"]
    assert names(await client.get(ALL, params={"q": "_"})) == []
    assert names(await client.get(ALL, params={"q": "'; DROP TABLE files"})) == []


@on_both
async def test_ten_who_make_the_same_at_once_make_one(client):
    await shop(client)
    answers = await asyncio.gather(*(client.post(ALL, json={"name": "a"}) for _ in range(10)))
    assert sorted(each.status_code for each in answers) == [201, *[409] * 9]


@on_both
async def test_one_that_is_deployed_is_in_use(client, reconciling):
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    await deployment(client)
    await until(client, phase="running")
    assert await problem(client.delete(f"{ALL}/orders", headers=ANY)) == "in-use"
    assert await problem(client.delete(f"{ALL}/orders/versions/v1")) == "in-use"
    await done(client.delete(f"{HERE}/deployments/dev:orders", headers=ANY))
    await until_gone(client)
    await done(client.delete(f"{ALL}/orders/versions/v1"))
    await done(client.delete(f"{ALL}/orders", headers=ANY))


async def test_renaming_keeps_id_files_and_versions(client):
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    before = (await done(client.get(f"{ALL}/orders"))).json()
    await done(client.patch(f"{ALL}/orders", json={"name": "sales"}, headers=ANY))
    assert (await done(client.get(f"{ALL}/sales"))).json()["id"] == before["id"]
    assert (await done(client.get(f"{ALL}/{before['id']}/versions/v1"))).json()["tag"] == "v1"
    assert await problem(client.get(f"{ALL}/orders")) == "not-found"


async def test_nothing_of_another_workspace_is_found(client):
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    id_ = (await client.get(f"{ALL}/orders")).json()["id"]
    folder = (await client.post(f"{HERE}/folders", json={"name": "f"})).json()["id"]
    await done(client.post("/workspaces", json={"name": "other"}))
    for path in (
        f"integrations/{id_}",
        f"integrations/{id_}/files",
        f"integrations/{id_}/versions",
        f"folders/{folder}",
    ):
        assert await problem(client.get(f"/workspaces/other/{path}")) == "not-found"
    assert (
        await problem(client.post("/workspaces/other/integrations", json={"name": "a", "folder": folder}))
        == "not-found"
    )


async def test_half_a_character_is_no_text(client):
    await shop(client)
    halves = b'{"name": "a", "files": {"a.yaml": "\\ud800"}}'
    answer = client.post(ALL, content=halves, headers={"Content-Type": "application/json"})
    assert await problem(answer) == "invalid"


async def test_a_name_that_looks_like_an_id_takes_nothing_from_what_has_that_id(client):
    await shop(client)
    made = (await done(client.post(ALL, json={"name": "orders"}))).json()
    copy = (await done(client.post(ALL, json={"name": made["id"]}))).json()
    assert (await done(client.get(f"{ALL}/{made['id']}"))).json()["name"] == "orders"
    await done(client.patch(f"{ALL}/orders", json={"name": "renamed"}, headers=ANY))
    other = (await done(client.post(ALL, json={"name": "01890000-0000-7000-8000-000000000000"}))).json()
    assert (await done(client.get(f"{ALL}/{other['name']}"))).json()["id"] == other["id"]
    assert copy["id"] != made["id"]
