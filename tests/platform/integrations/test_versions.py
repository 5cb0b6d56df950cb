"""Versions: only right files are tagged, and a version never changes."""

from __future__ import annotations

import pytest

from octo_platform.flows.archive import unpacked
from tests.platform.asking import ANY, FLOW, HERE, done, integration, problem, shop
from tests.platform.conftest import on_both

ONE = f"{HERE}/integrations/orders"
VERSIONS = f"{ONE}/versions"


@on_both
async def test_a_version_stays_as_it_was(client):
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    await done(client.put(f"{ONE}/files/orders.yaml", content=FLOW.replace("Hello", "Bye").encode(), headers=ANY))
    await done(client.post(VERSIONS, json={"tag": "v2", "note": "politer"}))
    one, two = [(await done(client.get(f"{VERSIONS}/{each}"))).json() for each in ("v1", "v2")]
    assert one["hash"] != two["hash"]
    assert unpacked((await client.get(f"{VERSIONS}/v1/archive")).content) == {"orders.yaml": FLOW.encode()}
    assert [each["tag"] for each in (await client.get(VERSIONS)).json()["items"]] == ["v2", "v1"]
    assert await problem(client.post(VERSIONS, json={"tag": "v1"})) == "exists"


async def test_equal_files_have_one_hash(client):
    await shop(client)
    await integration(client, "orders", FLOW, "v1", "v2")
    assert len({each["hash"] for each in (await client.get(VERSIONS)).json()["items"]}) == 1


async def test_wrong_files_are_not_tagged_and_the_answer_says_why(client):
    await shop(client)
    await integration(client, "orders", "flows: [{name: a, process: [{type: set-paylod}]}]")
    answer = await client.post(VERSIONS, json={"tag": "v1"})
    assert answer.json()["code"] == "flow-problems"
    (first,) = answer.json()["problems"]
    assert (first["file"], first["line"]) == ("orders.yaml", 1)
    assert "set-payload" in str(first)
    assert (await client.get(VERSIONS)).json()["items"] == []


async def test_files_without_a_flow_are_not_tagged(client):
    await shop(client)
    await integration(client, "orders", "")
    assert await problem(client.post(VERSIONS, json={"tag": "v1"})) == "flow-problems"


@pytest.mark.parametrize("tag", ["", "a b", "a/b", "-a", ".a", "a" * 64, "é", "a\n"])
async def test_a_tag_that_is_none_is_refused(client, tag):
    await shop(client)
    await integration(client)
    assert await problem(client.post(VERSIONS, json={"tag": tag})) == "invalid"
