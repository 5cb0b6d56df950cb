"""Keys and values, and counters. What providers promise of them: tests/services/test_providers.py."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, update

from octo_platform.storage.tables import Entry
from tests.platform.asking import done, problem
from tests.platform.conftest import on_both

ENTRY, V, KIND = "/kv/entry", "X-Octo-Version", "X-Octo-Kind"


def at(key, namespace="user", **more):
    return {"namespace": namespace, "key": key, **more}


@on_both
async def test_the_life_of_a_value(keeper):
    assert await problem(keeper.get(ENTRY, params=at("a"))) == "not-found"
    first = int((await done(keeper.put(ENTRY, params=at("a", version=0), content=b"\0\xff"))).headers[V])
    assert await problem(keeper.put(ENTRY, params=at("a", version=0), content=b"x")) == "changed"
    second = int((await done(keeper.put(ENTRY, params=at("a", version=first), content=b"2"))).headers[V])
    assert second > first > 0
    found = await done(keeper.get(ENTRY, params=at("a")))
    assert (found.content, found.headers[V], found.headers[KIND]) == (b"2", str(second), "bytes")
    assert await problem(keeper.delete(ENTRY, params=at("a", version=first))) == "changed"
    await done(keeper.delete(ENTRY, params=at("a", version=second)))
    await done(keeper.delete(ENTRY, params=at("a")))
    again = int((await done(keeper.put(ENTRY, params=at("a", version=0), content=b""))).headers[V])
    assert again > second


@on_both
async def test_of_twenty_who_write_over_the_same_version_one_does(keeper):
    version = (await done(keeper.put(ENTRY, params=at("n"), content=b"0"))).headers[V]
    puts = (keeper.put(ENTRY, params=at("n", version=version), content=b"1") for _ in range(20))
    assert sorted(each.status_code for each in await asyncio.gather(*puts)) == [204, *[412] * 19]


@on_both
async def test_no_increment_is_lost(keeper):
    answers = await asyncio.gather(*(keeper.post("/kv/increment", params=at("n")) for _ in range(50)))
    assert sorted(int(each.json()["count"]) for each in answers) == list(range(1, 51))


@pytest.mark.parametrize("namespace", ["user", "user_secrets"])
async def test_a_count_is_a_number_of_64_bits(keeper, namespace):
    largest = str(2**63 - 1)
    place = at("n", namespace)
    await done(keeper.put(ENTRY, params=place | {"kind": "count"}, content=largest.encode()))
    assert await problem(keeper.post("/kv/increment", params=place)) == "no-counter"
    assert (await keeper.post("/kv/increment", params=place | {"by": f"-{2**64 - 1}"})).json() == {
        "count": f"{-(2**63)}"
    }
    found = await done(keeper.get(ENTRY, params=place))
    assert (found.content, found.headers[KIND]) == (str(-(2**63)).encode(), "count")
    await done(keeper.put(ENTRY, params=place, content=b"1"))
    assert await problem(keeper.post("/kv/increment", params=place)) == "no-counter"
    for wrong in (b"", b"1.0", b"+1", b" 1", str(2**63).encode(), b"1" * 30):
        assert await problem(keeper.put(ENTRY, params=place | {"kind": "count"}, content=wrong)) == "invalid"


async def test_secrets_are_sealed_and_bound_to_their_place(keeper, installation):
    await done(keeper.put(ENTRY, params=at("a", "user_secrets"), content=b"hush-hush"))
    assert (await keeper.get(ENTRY, params=at("a", "user_secrets"))).content == b"hush-hush"
    await done(keeper.put(ENTRY, params=at("b", "user_secrets"), content=b"other"))
    await done(keeper.post("/kv/increment", params=at("n", "user_secrets", by=12345)))
    async with installation.database.write() as session:
        stored = dict((await session.execute(select(Entry.key, Entry.value))).all())
        assert b"hush" not in stored["a"]
        assert b"12345" not in stored["n"]
        await session.execute(update(Entry).where(Entry.key == "b").values(value=stored["a"]))
    assert await problem(keeper.get(ENTRY, params=at("b", "user_secrets"))) == "no-key"


@on_both
async def test_values_live_as_long_as_they_shall(keeper, installation):
    await done(keeper.put(ENTRY, params=at("a", ttl=60), content=b"x"))
    await done(keeper.post("/kv/increment", params=at("n", ttl=60)))
    async with installation.database.write() as session:
        await session.execute(update(Entry).values(until=1.0))
    assert await problem(keeper.get(ENTRY, params=at("a"))) == "not-found"
    assert (await keeper.get("/kv/keys", params={"namespace": "user"})).json()["names"] == []
    assert (await keeper.post("/kv/increment", params=at("n"))).json() == {"count": "1"}
    await done(keeper.put(ENTRY, params=at("a", version=0), content=b"x"))


@on_both
async def test_keys_in_parts(keeper):
    names = ["B", "a", "a1", "a2", "a3", "é", "🦊"]
    for each in reversed(names):
        await done(keeper.put(ENTRY, params=at(each), content=b""))
    found, after = [], ""
    while True:
        part = (await keeper.get("/kv/keys", params={"namespace": "user", "after": after, "most": 3})).json()
        found += part["names"]
        if not (after := part["after"]):
            break
    assert found == names
    query = {"namespace": "user", "prefix": "a", "after": "a1", "most": 1}
    assert (await keeper.get("/kv/keys", params=query)).json() == {"names": ["a2"], "after": "a2"}
