"""A store: its quota, its numbers, its clock."""

from __future__ import annotations

import json
import random
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update

from octo_platform.data import clock, shelf, sweeping
from octo_platform.data.asker import Asker
from octo_platform.storage.tables import Entry, Lease, QueueMessage, Store
from tests.platform.asking import done, problem
from tests.platform.conftest import on_both

ENTRY = "/kv/entry"


def at(key, **more):
    return {"namespace": "user", "key": key, **more}


async def used(keeper):
    async with keeper.installation.database.read() as session:
        return await session.scalar(select(Store.used).where(Store.slug == "orders"))


async def counted(keeper):
    """What its rows count, anew."""
    database = keeper.installation.database
    async with database.read() as session:
        store = await session.scalar(select(Store.id).where(Store.slug == "orders"))
    return await database.change(lambda connection: sweeping.swept(connection, store, 0.0))


@on_both
async def test_a_full_store_takes_nothing_more_until_there_is_room(keeper, monkeypatch, installation):
    """Also not in queues and topics; what is in it can be read and removed, and what has expired makes room."""
    monkeypatch.setattr(shelf, "MOST_BYTES", 1000)
    monkeypatch.setattr(shelf, "AGAIN", 0.0)
    await done(keeper.put(ENTRY, params=at("a", ttl=3600), content=bytes(500)))
    assert await problem(keeper.put(ENTRY, params=at("b"), content=bytes(500))) == "limit"
    assert await problem(keeper.post("/topics/publish", params={"topic": "t"}, content=bytes(500))) == "limit"
    asked = {"queue": "q", "id": "x", "timeout": 9}
    assert await problem(keeper.post("/queues/ask", params=asked, content=bytes(500))) == "limit"
    about = {"messages": [{"queue": "q", "id": f"{n}", "size": 200} for n in range(2)]}
    body = json.dumps(about).encode() + b"\n" + bytes(400)
    assert await problem(keeper.post("/queues/send", content=body)) == "limit"
    assert (await keeper.get("/queues/count", params={"queue": "q"})).json() == {"count": 0}, (
        "one was sent all the same"
    )
    assert (await keeper.get(ENTRY, params=at("a"))).content == bytes(500)
    await done(keeper.put(ENTRY, params=at("a", ttl=3600), content=bytes(600)))
    async with installation.database.write() as session:
        await session.execute(update(Entry).values(until=1.0))
    await keeper.sends("q", bytes(500))
    (lent,) = await keeper.takes("q")
    assert await problem(keeper.put(ENTRY, params=at("b"), content=bytes(500))) == "limit"
    assert await keeper.acks(lent) == [True]
    await done(keeper.put(ENTRY, params=at("b"), content=bytes(500)))
    await keeper.be("other")
    await done(keeper.put(ENTRY, params=at("b"), content=bytes(500)))


async def test_a_million_empty_ones_are_not_nothing(keeper, monkeypatch):
    monkeypatch.setattr(shelf, "MOST_BYTES", 1000)
    answers = [await keeper.put(ENTRY, params=at(f"{n}"), content=b"") for n in range(12)]
    assert [each.status_code for each in answers] == [204] * 9 + [409] * 3
    for each in ({"name": "a", "ttl": 60},):
        assert await problem(keeper.post("/leases/acquire", params=each)) == "limit"
    assert await problem(keeper.post("/topics/subscribe", params={"topic": "t", "subscriber": "s"})) == "limit"


class Chance:
    """Does one thing after the other to a store, of all that can be done."""

    def __init__(self, keeper):
        self.keeper = keeper
        self.chance = random.Random(11)

    def some(self):
        return bytes(self.chance.randrange(50))

    async def put(self):
        place = at(self.chance.choice("abcé"), ttl=self.chance.choice([0.001, 60]))
        await done(self.keeper.put(ENTRY, params=place, content=self.some()))

    async def count(self):
        await self.keeper.post("/kv/increment", params=at(self.chance.choice("nma"), by=self.chance.randrange(10**6)))

    async def remove(self):
        await done(self.keeper.delete(ENTRY, params=at(self.chance.choice("abcnm"))))

    async def send(self):
        how = {"key": self.chance.choice("kl")}, {"order": self.chance.choice("oö")}, {"delay": 1}, {}
        await self.keeper.sends("q", self.some(), b"x", **self.chance.choice(how))

    async def take(self):
        for each in await self.keeper.takes("q", most=3, dead=self.chance.random() < 0.3):
            receipt = {"number": each["number"], "lent": each["lent"]}
            verb = self.chance.choice(["ack", "ack", "nack", "reject", "extend"])
            if verb == "ack":
                body = json.dumps({"messages": [receipt | ({"size": 3} if each["asked"] else {})]}).encode() + b"\n"
                await done(self.keeper.post("/queues/ack", content=body + (b"yes" if each["asked"] else b"")))
            else:
                reason = b"no" if verb == "reject" else b""
                more = {"lease": 60} if verb == "extend" else {}
                await done(self.keeper.post(f"/queues/{verb}", params=receipt | more, content=reason))

    async def ask(self):
        id_ = f"r{self.chance.randrange(10**9)}"
        await done(self.keeper.post("/queues/ask", params={"queue": "q", "id": id_, "timeout": 60}, content=b"?"))
        await self.take()
        await self.keeper.post("/queues/reply", params={"id": id_})

    async def lease(self):
        found = await self.keeper.post("/leases/acquire", params={"name": self.chance.choice("lmü"), "ttl": 60})
        if (token := found.json()["token"]) is not None:
            name = self.chance.choice("lmü")
            await done(self.keeper.post("/leases/release", params={"name": name, "token": token}))

    async def publish(self):
        topic = {"topic": self.chance.choice("tü")}
        await done(self.keeper.post("/topics/publish", params=topic, content=self.some()))
        subscriber = topic | {"subscriber": self.chance.choice("sß")}
        await done(self.keeper.post(f"/topics/{self.chance.choice(['subscribe', 'forget'])}", params=subscriber))


@on_both
async def test_what_is_used_is_what_is_there(keeper):
    """Whatever is done in whatever order, the store counts what its rows have."""
    chance = Chance(keeper)
    verbs = [
        chance.put,
        chance.count,
        chance.remove,
        chance.send,
        chance.take,
        chance.ask,
        chance.lease,
        chance.publish,
    ]
    for _ in range(120):
        await chance.chance.choice(verbs)()
    assert await used(keeper) == await counted(keeper)


@on_both
async def test_sweeping_removes_what_is_over(keeper, installation, plane):
    await done(keeper.put(ENTRY, params=at("a", ttl=60), content=bytes(500)))
    await done(keeper.put(ENTRY, params=at("b"), content=bytes(100)))
    await keeper.sends("q", b"1", key="k")
    await done(keeper.post("/leases/acquire", params={"name": "l", "ttl": 60}))
    await done(keeper.post("/topics/publish", params={"topic": "t"}, content=b"x"))
    async with installation.database.write() as session:
        for each in ("data_entries", "data_sent", "data_leases", "data_events"):
            table = Entry.metadata.tables[each]
            await session.execute(update(table).where(table.c.until.is_not(None)).values(until=1.0))
    await plane.sweep()
    async with installation.database.read() as session:
        rows = {
            each: await session.scalar(select(func.count()).select_from(Entry.metadata.tables[f"data_{each}"]))
            for each in ("entries", "sent", "leases", "events", "messages")
        }
        assert rows == {"entries": 1, "sent": 0, "leases": 0, "events": 0, "messages": 1}
        assert (await session.scalar(select(Store.swept).where(Store.slug == "orders"))) > 1
    assert await used(keeper) == await counted(keeper)


async def test_old_events_stay_for_who_has_not_done_them(keeper, installation, plane):
    await done(keeper.post("/topics/subscribe", params={"topic": "t", "subscriber": "s"}))
    for _ in range(2):
        await done(keeper.post("/topics/publish", params={"topic": "t"}, content=b"x"))
    await done(keeper.post("/topics/commit", params={"topic": "t", "subscriber": "s", "number": 1}))
    async with installation.database.write() as session:
        await session.execute(update(Entry.metadata.tables["data_events"]).values(until=1.0))
    await plane.sweep()
    found = await done(keeper.get("/topics/events", params={"topic": "t", "after": 0}))
    assert [each["number"] for each in json.loads(found.content.partition(b"\n")[0])["events"]] == [2]


async def test_a_clock_that_goes_back_holds_nothing_up(keeper, installation, monkeypatch):
    """Leases, delays and times to live last about as long as they would have."""
    ahead = 3600.0
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: time.time() + ahead))
    await done(keeper.put(ENTRY, params=at("a", ttl=60), content=b"x"))
    await done(keeper.post("/leases/acquire", params={"name": "l", "ttl": 60}))
    await keeper.sends("q", b"1", delay=60)
    await keeper.sends("q", b"2", b"3", order="o")
    ahead = 0.0
    await done(keeper.put(ENTRY, params=at("b"), content=b"x"))
    async with installation.database.read() as session:
        for moment in (Entry.until, Lease.until, QueueMessage.due):
            query = select(func.min(moment)).where(moment.is_not(None))
            assert await session.scalar(query) - time.time() == pytest.approx(60, abs=50)
        assert await session.scalar(select(func.max(QueueMessage.due))) == float("inf")


async def test_a_store_that_is_gone_is_nobodys(keeper, installation, plane):
    nobody = Asker("nobody", "nowhere")
    with pytest.raises(Exception, match="send the token"):
        await plane.do(nobody, lambda shelf: shelf.next())
