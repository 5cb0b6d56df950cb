"""A POST with an idempotency key is carried out once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import select, update

from octo_platform.storage.tables import Answered, Integration, now
from octo_platform.web.repeats import _STUCK
from tests.platform.asking import HERE, done, problem, shop
from tests.platform.conftest import on_both

KEY = {"Idempotency-Key": "k1"}
ALL = f"{HERE}/integrations"


@on_both
async def test_the_second_is_answered_as_the_first(client, installation):
    await shop(client)
    first = await done(client.post(ALL, json={"name": "a"}, headers=KEY))
    second = await done(client.post(ALL, json={"name": "a"}, headers=KEY))
    assert second.headers["idempotency-replayed"] == "true"
    told = ("content-type", "etag", "location")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert [first.headers[each] for each in told] == [second.headers[each] for each in told]
    async with installation.database.read() as session:
        kept = await session.scalar(select(Answered.body))
        assert "integration" not in kept  # sealed: an answer may have a new key in it
        assert '"name"' not in kept


async def test_another_request_may_not_use_the_key(client):
    await shop(client)
    await done(client.post(ALL, json={"name": "a"}, headers=KEY))
    assert await problem(client.post(ALL, json={"name": "b"}, headers=KEY)) == "key-reused"


async def test_what_failed_may_be_sent_again(client):
    await shop(client)
    await done(client.post(ALL, json={"name": "a"}))
    assert await problem(client.post(ALL, json={"name": "a"}, headers=KEY)) == "exists"
    assert await problem(client.post(ALL, json={"name": "A!"}, headers=KEY)) == "invalid"
    await done(client.post(ALL, json={"name": "b"}, headers=KEY))


@on_both
async def test_twenty_at_once_make_one(client, installation):
    await shop(client)
    answers = await asyncio.gather(*(client.post(ALL, json={"name": "a"}, headers=KEY) for _ in range(20)))
    assert {each.status_code for each in answers} <= {201, 409}
    assert all(each.json().get("code", "under-way") == "under-way" for each in answers)
    async with installation.database.read() as session:
        assert len((await session.scalars(select(Integration))).all()) == 1


async def test_the_key_of_a_process_that_ended_is_free_after_some_time(client, installation):
    await shop(client)
    await done(client.post(ALL, json={"name": "a"}, headers=KEY))
    async with installation.database.write() as session:
        await session.execute(update(Answered).values(status=0))
    assert await problem(client.post(ALL, json={"name": "a"}, headers=KEY)) == "under-way"
    async with installation.database.write() as session:
        await session.execute(update(Answered).values(created_at=now() - _STUCK - timedelta(seconds=1)))
    assert await problem(client.post(ALL, json={"name": "a"}, headers=KEY)) == "exists"


async def test_a_key_has_a_size(client):
    await shop(client)
    for key in ("", "x" * 201):
        assert await problem(client.post(ALL, json={"name": "a"}, headers={"Idempotency-Key": key})) == "invalid"
