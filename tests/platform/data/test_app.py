"""What deployments keep: each token reaches only its own, and writes may be conditional."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from sqlalchemy import select, update

from octo_platform.api import failures
from octo_platform.data import entries
from octo_platform.data.app import create_data_app
from octo_platform.deployments.building import token_place
from octo_platform.storage.tables import Deployment, Entry, now
from tests.platform.asking import ANY, FLOW, HERE, deployment, done, integration, problem, shop, until_gone
from tests.platform.conftest import on_both

V = "X-Object-Version"


@pytest.fixture
async def keeper(client, installation):
    """Asks as the deployment `dev:orders`; `keeper.token(slug)` is another's token."""
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    await integration(client, "other", FLOW, "v1")
    await deployment(client)
    await done(client.post(f"{HERE}/deployments", json={"environment": "dev", "integration": "other", "tag": "v1"}))
    app = create_data_app(installation)
    failures.install(app)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/data/v1") as found:
        found.headers["Authorization"] = f"Bearer {await token(installation, 'orders')}"
        yield found


async def token(installation, slug):
    async with installation.database.read() as session:
        row = (await session.scalars(select(Deployment).where(Deployment.slug == slug))).one()
    return installation.keyring.open(token_place(row.id), row.token).decode()


@on_both
async def test_the_life_of_a_value(keeper):
    assert await problem(keeper.get("/kv/user/a/b")) == "not-found"
    assert (await done(keeper.put("/kv/user/a/b", content=b"\0\xff", headers={V: "0"}))).headers[V] == "1"
    assert await problem(keeper.put("/kv/user/a/b", content=b"x", headers={V: "0"})) == "changed"
    assert (await done(keeper.put("/kv/user/a/b", content=b"2", headers={V: "1"}))).headers[V] == "2"
    found = await done(keeper.get("/kv/user/a/b"))
    assert (found.content, found.headers[V]) == (b"2", "2")
    await done(keeper.put("/kv/user/c", content=b"3"))
    assert (await keeper.get("/kv/user")).json() == ["a/b", "c"]
    assert (await keeper.get("/kv/user?after=a/b&limit=1")).json() == ["c"]
    assert await problem(keeper.delete("/kv/user/a/b", headers={V: "1"})) == "changed"
    await done(keeper.delete("/kv/user/a/b", headers={V: "2"}))
    await done(keeper.delete("/kv/user/a/b"))
    assert (await keeper.get("/kv/user")).json() == ["c"]


@on_both
async def test_of_twenty_who_write_over_the_same_version_one_does(keeper):
    await done(keeper.put("/kv/user/n", content=b"0"))
    answers = await asyncio.gather(*(keeper.put("/kv/user/n", content=b"1", headers={V: "1"}) for _ in range(20)))
    assert sorted(each.status_code for each in answers) == [204, *[412] * 19]


async def test_a_token_reaches_only_its_own(keeper, installation, client):
    await done(keeper.put("/kv/user/a", content=b"mine"))
    keeper.headers["Authorization"] = f"Bearer {await token(installation, 'other')}"
    assert await problem(keeper.get("/kv/user/a")) == "not-found"
    assert (await keeper.get("/kv/user")).json() == []
    await done(keeper.put("/kv/user/a", content=b"other"))
    keeper.headers["Authorization"] = f"Bearer {await token(installation, 'orders')}"
    assert (await keeper.get("/kv/user/a")).content == b"mine"


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer x", "Basic eDp5", "Bearer octod_", "Bearer octo_" + "a" * 43])
async def test_without_the_token_nothing_is_reached(keeper, given):
    keeper.headers["Authorization"] = given
    for answer in (
        keeper.get("/kv/user/a"),
        keeper.put("/kv/user/a", content=b""),
        keeper.get("/resources/orders.yaml"),
    ):
        assert await problem(answer) == "not-signed-in"


async def test_the_token_of_a_deployment_that_goes_is_worth_nothing(keeper, client):
    await done(client.delete(f"{HERE}/deployments/dev:orders", headers=ANY))
    assert await problem(keeper.get("/kv/user/a")) == "not-signed-in"


async def test_secrets_are_sealed_and_bound_to_their_place(keeper, installation):
    await done(keeper.put("/kv/user_secrets/a", content=b"hush-hush"))
    assert (await keeper.get("/kv/user_secrets/a")).content == b"hush-hush"
    await done(keeper.put("/kv/user_secrets/b", content=b"other"))
    async with installation.database.write() as session:
        value = (await session.scalars(select(Entry.value).where(Entry.key == "a"))).one()
        assert b"hush" not in value
        await session.execute(update(Entry).where(Entry.key == "b").values(value=value))
    assert await problem(keeper.get("/kv/user_secrets/b")) == "no-key"


@on_both
async def test_values_live_as_long_as_they_shall(keeper, installation):
    await done(keeper.put("/kv/user/a?ttl=60", content=b"x"))
    async with installation.database.write() as session:
        await session.execute(update(Entry).values(expires_at=now()))
    assert await problem(keeper.get("/kv/user/a")) == "not-found"
    assert (await keeper.get("/kv/user")).json() == []


async def test_sizes(keeper, monkeypatch):
    assert await problem(keeper.put("/kv/user/a", content=bytes(entries.LARGEST + 1))) == "too-large"
    monkeypatch.setattr(entries, "MOST_BYTES", 100)
    await done(keeper.put("/kv/user/a", content=bytes(60)))
    assert await problem(keeper.put("/kv/user/b", content=bytes(60))) == "limit"
    assert await problem(keeper.put("/kv/user/x%00y", content=b"")) == "invalid"


async def test_values_outlive_the_deployment(keeper, client, installation, reconciling):
    await done(keeper.put("/kv/user/a", content=b"kept"))
    await done(client.delete(f"{HERE}/deployments/dev:orders", headers=ANY))
    await until_gone(client)
    await deployment(client)
    keeper.headers["Authorization"] = f"Bearer {await token(installation, 'orders')}"
    assert (await keeper.get("/kv/user/a")).content == b"kept"


async def test_files_of_the_version(keeper):
    assert (await keeper.get("/resources/orders.yaml")).text == FLOW
    for path in ("x", "..%2forders.yaml", "%2fetc%2fpasswd"):
        assert await problem(keeper.get(f"/resources/{path}")) == "not-found"
