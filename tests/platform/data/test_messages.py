"""Queues. What providers promise of them: tests/services/test_providers.py."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from octo_platform.data import messages
from octo_platform.storage.tables import Reply, SentKey
from tests.platform.asking import done, problem
from tests.platform.conftest import on_both
from tests.platform.data.conftest import messages as read


@on_both
async def test_what_is_given_out_together_has_room(keeper, monkeypatch):
    """As many as have room, at least one: no answer is larger than a value, or than the room."""
    monkeypatch.setattr(messages, "MOST_BYTES", 100)
    await keeper.sends("q", b"a" * 60, b"b" * 40, b"c", b"d" * 500, b"e")
    found = [[each["value"][:1] for each in await keeper.takes("q", most=9)] for _ in range(4)]
    assert found == [[b"a", b"b"], [b"c"], [b"d"], [b"e"]]


@on_both
async def test_browsing_goes_on_where_the_room_ended(keeper, monkeypatch):
    monkeypatch.setattr(messages, "MOST_BYTES", 100)
    await keeper.sends("q", b"a" * 60, b"b" * 60, b"c")
    seen, after = [], "-1"
    while after:
        answer = await done(keeper.get("/queues/browse", params={"queue": "q", "most": 3, "after": after}))
        seen += [each["value"][:1] for each in read(answer)]
        after = json.loads(answer.content.partition(b"\n")[0])["after"]
    assert seen == [b"a", b"b", b"c"]


@on_both
async def test_many_are_sent_together_in_their_order(keeper):
    """With keys that are sent once, and ordering keys of which one goes at a time."""
    ids = await keeper.sends("q", b"1", b"2", key="k")
    assert ids == ["m0", "m0"]
    await keeper.sends("q", b"3", b"4", b"5", order="o")
    found = await keeper.takes("q", most=9)
    assert [each["value"] for each in found] == [b"1", b"3"]
    assert await keeper.acks(*found, found[0]) == [True, True, False]
    (fourth,) = await keeper.takes("q", most=9)
    await done(keeper.post("/queues/reject", params=receipt(fourth), content=b"no\0"))
    (fifth,) = await keeper.takes("q", most=9)
    assert (fourth["value"], fifth["value"]) == (b"4", b"5")
    (dead,) = await keeper.takes("q", dead=True)
    assert (dead["reason"], dead["order"], dead["attempt"]) == ("no\0", "o", 1)


@on_both
async def test_a_message_that_nobody_got_was_not_tried(keeper):
    await keeper.sends("q", b"1")
    (found,) = await keeper.takes("q")
    await done(keeper.post("/queues/nack", params=receipt(found) | {"unseen": True}))
    (found,) = await keeper.takes("q")
    assert found["attempt"] == 1
    await done(keeper.post("/queues/nack", params=receipt(found)))
    (found,) = await keeper.takes("q")
    assert found["attempt"] == 2


@on_both
async def test_a_reply_is_taken_once(keeper, installation):
    await done(keeper.post("/queues/ask", params={"queue": "q", "id": "x", "timeout": 9}, content=b"?"))
    assert await problem(keeper.post("/queues/ask", params={"queue": "q", "id": "x", "timeout": 9})) == "exists"
    assert (await keeper.post("/queues/reply", params={"id": "x"})).status_code == 204
    (asked,) = await keeper.takes("q")
    assert asked["asked"] is True
    about = f'{{"messages": [{{"number": {asked["number"]}, "lent": {asked["lent"]}, "size": 1}}]}}\n!'
    await done(keeper.post("/queues/ack", content=about.encode()))
    found = await done(keeper.post("/queues/reply", params={"id": "x"}))
    assert (found.content, found.headers["X-Octo-Kind"]) == (b"!", "value")
    assert (await keeper.post("/queues/reply", params={"id": "x"})).status_code == 204
    async with installation.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Reply)) == 0


@pytest.mark.parametrize("verb", ["extend", "reject", "nack", "ack"])
async def test_who_lost_it_is_told(keeper, installation, verb):
    await keeper.sends("q", b"1")
    (late,) = await keeper.takes("q", lease=0.001)
    (held,) = await keeper.takes("q", wait=30)
    if verb == "ack":
        assert await keeper.acks(late) == [False]
    elif verb == "nack":
        await done(keeper.post("/queues/nack", params=receipt(late)))
    else:
        more = {"lease": 60} if verb == "extend" else {}
        assert await problem(keeper.post(f"/queues/{verb}", params=receipt(late) | more)) == "lost"
    assert await keeper.takes("q") == []
    assert await keeper.acks(held) == [True]


async def test_a_key_is_forgotten(keeper, installation, monkeypatch):
    monkeypatch.setattr(messages, "REMEMBERED", 0.0)
    assert await keeper.sends("q", b"1", key="k") == ["m0"]
    assert await keeper.sends("q", b"1", b"2", key="k") == ["m0", "m1"]
    async with installation.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(SentKey)) == 1


def receipt(message):
    return {"number": message["number"], "lent": message["lent"]}
