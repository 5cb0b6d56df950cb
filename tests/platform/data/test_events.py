"""Topics. What providers promise of them: tests/services/test_providers.py."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from octo_platform.data import events
from octo_platform.storage.tables import Event, Topic
from tests.platform.asking import done
from tests.platform.conftest import on_both

T = {"topic": "t"}


async def published(keeper, *values):
    for each in values:
        await done(keeper.post("/topics/publish", params=T, content=each))


async def after(keeper, number):
    """The last number, and the numbers of the events after this one."""
    answer = await done(keeper.get("/topics/events", params=T | {"after": number}))
    line, _, rest = answer.content.partition(b"\n")
    about = json.loads(line)
    assert sum(each["size"] for each in about["events"]) == len(rest)
    return about["last"], [each["number"] for each in about["events"]]


@on_both
async def test_large_events_go_before_there_are_many(keeper, installation, monkeypatch):
    """The oldest, whoever needs them; who reads sees that they are gone. The newest is kept, however large."""
    monkeypatch.setattr(events, "MOST_BYTES", 1000)
    await done(keeper.post("/topics/subscribe", params=T | {"subscriber": "slow"}))
    await published(keeper, *[bytes(300)] * 4)
    assert await after(keeper, 0) == (4, [3, 4])
    await published(keeper, bytes(5000))
    assert await after(keeper, 0) == (5, [5])
    async with installation.database.read() as session:
        assert await session.scalar(select(Topic.size)) == 5000


@on_both
async def test_events_beyond_the_limits_go(keeper, installation, monkeypatch):
    """Those that a durable subscriber has not done stay for longer."""
    monkeypatch.setattr(events, "_TRIM", 10)
    monkeypatch.setattr(events, "KEPT", 5)
    monkeypatch.setattr(events, "KEPT_DURABLE", 15)
    await published(keeper, *[b"x"] * 10)
    assert (await after(keeper, 0))[1] == list(range(6, 11))
    await done(keeper.post("/topics/subscribe", params=T | {"subscriber": "s"}))
    await published(keeper, *[b"x"] * 10)
    assert (await after(keeper, 0))[1] == list(range(11, 21))
    await done(keeper.post("/topics/commit", params=T | {"subscriber": "s", "number": 17}))
    await published(keeper, *[b"x"] * 10)
    assert (await after(keeper, 0))[1] == list(range(18, 31))
    async with installation.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Event)) == await session.scalar(select(Topic.size))


@on_both
async def test_events_are_read_as_far_as_there_is_room(keeper, monkeypatch):
    monkeypatch.setattr(events, "_PAGE_BYTES", 100)
    await published(keeper, bytes(60), bytes(40), b"x", bytes(500), b"x")
    assert [await after(keeper, number) for number in (0, 2, 3, 4, 5)] == [
        *((5, [1, 2]), (5, [3]), (5, [4]), (5, [5]), (5, [])),
    ]


@pytest.mark.parametrize("number", [3, 9])
async def test_a_commit_never_goes_back(keeper, number):
    await published(keeper, b"x")
    subscriber = T | {"subscriber": "s"}
    assert (await keeper.post("/topics/subscribe", params=subscriber)).json() == {"seen": 1}
    for each in (number, 2):
        await done(keeper.post("/topics/commit", params=subscriber | {"number": each}))
    assert (await keeper.post("/topics/subscribe", params=subscriber)).json() == {"seen": number}
    await done(keeper.post("/topics/forget", params=subscriber))
    assert (await keeper.post("/topics/subscribe", params=subscriber)).json() == {"seen": 1}
