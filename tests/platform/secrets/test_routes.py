"""Secrets: written and used, never shown, kept sealed, and new values reach what uses them."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, text, update

from octo_platform.deployments import changing
from octo_platform.storage import secrets as store
from octo_platform.storage.sealing import Unsealable
from octo_platform.storage.tables import Secret
from tests.platform.asking import ANY, HERE, SECRET, deployment, done, integration, problem, shop, until
from tests.platform.conftest import on_both

OF_SPACE = f"{HERE}/secrets"
OF_DEV = f"{HERE}/environments/dev/secrets"
VALUE = {"value": "the-bank-says-7391"}


@on_both
async def test_no_answer_has_a_value_and_what_is_stored_is_sealed(client, installation):
    await shop(client)
    answers = [
        await done(client.put(f"{OF_SPACE}/bank", json=VALUE)),
        await done(client.get(OF_SPACE)),
        await done(client.put(f"{OF_SPACE}/bank", json=VALUE, headers=ANY)),
        await client.put(f"{OF_SPACE}/bank", json=VALUE),
        await client.put(f"{OF_SPACE}/bank", json={"value": "the-bank-says-7391", "x": 1}, headers=ANY),
        await client.put(f"{OF_SPACE}/bank", json={"value": ["the-bank-says-7391"]}, headers=ANY),
        await client.put(f"{OF_SPACE}/b%20d", json=VALUE),
        await done(client.get("/audit")),
    ]
    assert not [each.text for each in answers if "7391" in each.text]
    assert [each.status_code for each in answers] == [201, 200, 200, 428, 422, 422, 422, 200]
    async with installation.database.read() as session:
        assert "7391" not in (await session.scalars(select(Secret.sealed))).one()


@on_both
async def test_the_secret_of_the_environment_wins(client, installation, pretence, reconciling):
    await shop(client)
    await integration(client, "orders", SECRET, "v1")
    answer = await client.post(f"{HERE}/deployments", json={"environment": "dev", "integration": "orders", "tag": "v1"})
    assert (answer.json()["code"], answer.json()["missing"]) == ("no-such-secret", ["bank"])
    await done(client.put(f"{OF_SPACE}/bank", json={"value": "of the workspace"}))
    await deployment(client)
    await until(client, phase="running", generation=1)
    assert [each.get_secret_value() for each in pretence.applied[-1].secrets.values()] == ["of the workspace"]
    written = await done(client.put(f"{OF_DEV}/bank", json={"value": "of the environment"}))
    assert written.json()["rolled"] == ["orders"]
    await until(client, phase="running", observedGeneration=2)
    assert [each.get_secret_value() for each in pretence.applied[-1].secrets.values()] == ["of the environment"]
    again = await done(client.put(f"{OF_SPACE}/bank", json={"value": "nobody reads it"}, headers=ANY))
    assert again.json()["rolled"] == []
    assert await problem(client.delete(f"{OF_DEV}/bank", headers=ANY)) == "in-use"
    assert "of the" not in str(pretence.applied)


async def test_a_value_that_was_moved_to_another_name_does_not_open(client, installation):
    await shop(client)
    await done(client.put(f"{OF_SPACE}/a", json={"value": "one"}))
    await done(client.put(f"{OF_SPACE}/b", json={"value": "two"}))
    async with installation.database.write() as session:
        sealed = await session.scalar(select(Secret.sealed).where(Secret.name == "a"))
        await session.execute(update(Secret).where(Secret.name == "b").values(sealed=sealed))
    async with installation.database.read() as session:
        rows = (await session.scalars(select(Secret).where(Secret.name == "b"))).all()
    with pytest.raises(Unsealable):
        store.opened(installation.keyring, rows)


@pytest.mark.parametrize("value", ["", "x" * 65_537, None, 5])
async def test_a_value_has_a_size(client, value):
    await shop(client)
    assert await problem(client.put(f"{OF_SPACE}/a", json={"value": value})) == "invalid"


@on_both
async def test_one_that_must_be_new_is_not_overwritten(client):
    await shop(client)
    await done(client.put(f"{OF_SPACE}/a", json={"value": "x"}, headers={"If-None-Match": "*"}))
    assert await problem(client.put(f"{OF_SPACE}/a", json={"value": "y"}, headers={"If-None-Match": "*"})) == "exists"


@on_both
async def test_a_secret_is_not_deleted_while_somebody_deploys_what_needs_it(client, installation, monkeypatch):
    """It is looked for by the one, and its users are by the other: neither sees what the other is about to do."""
    await shop(client)
    await integration(client, "orders", SECRET, "v1")
    await done(client.put(f"{OF_DEV}/bank", json=VALUE))
    has_looked, go_on, check = asyncio.Event(), asyncio.Event(), changing.check

    async def slow(*given, **more):
        await check(*given, **more)
        has_looked.set()
        await go_on.wait()

    monkeypatch.setattr(changing, "check", slow)
    async with asyncio.TaskGroup() as group:
        deploying = group.create_task(deployment(client))
        await has_looked.wait()
        deleting = group.create_task(client.delete(f"{OF_DEV}/bank", headers=ANY))
        while not deleting.done() and not await _waits(installation):
            await asyncio.sleep(0.01)
        go_on.set()
    assert deploying.result().is_success
    assert await problem(_given(deleting.result())) == "in-use"


async def _waits(installation) -> bool:
    """Whether a transaction waits for another one."""
    if installation.database.is_sqlite:
        return bool(installation.database._turn._waiters)
    async with installation.database.read() as session:
        waiting = text("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1")
        return (await session.scalar(waiting)) is not None


async def _given(answer):
    return answer
