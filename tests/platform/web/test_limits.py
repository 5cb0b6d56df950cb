"""A workspace has no more than it may: nobody fills the disk of all."""

from __future__ import annotations

import asyncio
import os

import pytest
from sqlalchemy import update

from octo_platform.options import Limits
from octo_platform.storage.tables import Bundle
from tests.platform.asking import ANY, FLOW, HERE, deployment, done, integration, problem, shop
from tests.platform.conftest import on_both


@pytest.fixture
def limited(installation):
    """Sets limits."""

    def limit(**limits: int) -> None:
        installation.options = installation.options.model_copy(update={"limits": Limits(**limits)})

    return limit


@on_both
async def test_each_kind_has_a_limit_of_its_own(client, limited):
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    await deployment(client)
    await done(client.put(f"{HERE}/secrets/a", json={"value": "x"}))
    limited(integrations=1, versions=1, environments=1, deployments=1, secrets=1)
    body = {"environment": "dev", "integration": "orders", "tag": "v1", "slug": "more"}
    for answer in (
        client.post(f"{HERE}/integrations", json={"name": "more"}),
        client.post(f"{HERE}/integrations/orders/versions", json={"tag": "v2"}),
        client.post(f"{HERE}/environments", json={"name": "more"}),
        client.post(f"{HERE}/deployments", json=body),
        client.put(f"{HERE}/secrets/b", json={"value": "x"}),
    ):
        assert await problem(answer) == "limit"
    await done(client.put(f"{HERE}/secrets/a", json={"value": "y"}, headers=ANY))
    await done(client.post("/workspaces", json={"name": "other"}))
    await done(client.post("/workspaces/other/environments", json={"name": "dev"}))


@on_both
async def test_of_those_who_come_at_once_no_more_are_let_in(client, limited):
    await shop(client)
    limited(integrations=3)
    answers = await asyncio.gather(*(client.post(f"{HERE}/integrations", json={"name": f"i{n}"}) for n in range(10)))
    assert sorted(each.status_code for each in answers) == [201] * 3 + [409] * 7


@on_both
async def test_bytes_of_files_are_counted_in_all(client, limited):
    await shop(client)
    await integration(client)
    limited(megabytes=1)
    root = f"{HERE}/integrations/orders/files"
    await done(client.put(f"{root}/a", content=b"x" * 900_000, headers={"If-None-Match": "*"}))
    assert await problem(client.put(f"{root}/b", content=b"x" * 200_000, headers={"If-None-Match": "*"})) == "limit"
    large = {"name": "more", "files": {"a.yaml": "#" * 200_000}}
    assert await problem(client.post(f"{HERE}/integrations", json=large)) == "limit"
    await done(client.put(f"{root}/a", content=b"x" * 800_000, headers=ANY))


@on_both
async def test_what_is_over_a_limit_that_sank_may_become_less(client, limited):
    await shop(client)
    await integration(client)
    root = f"{HERE}/integrations/orders/files"
    for name in ("a", "b"):
        await done(client.put(f"{root}/{name}", content=b"x" * 900_000, headers={"If-None-Match": "*"}))
    limited(megabytes=1)
    await done(client.put(f"{root}/a", content=b"x" * 800_000, headers=ANY))
    await done(client.delete(f"{root}/a", headers=ANY))


@on_both
async def test_versions_are_counted_with_what_is_said_of_them(client, limited, installation):
    """Packed they may be small, while the facts of many flows are not."""
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    limited(megabytes=1)
    await done(client.post(f"{HERE}/integrations/orders/versions", json={"tag": "v2"}))
    async with installation.database.write() as session:
        await session.execute(update(Bundle).values(facts={"flows": os.urandom(1_500_000).hex()}))
    assert await problem(client.post(f"{HERE}/integrations/orders/versions", json={"tag": "v3"})) == "limit"
    await done(client.delete(f"{HERE}/integrations/orders/versions/v1"))
