"""Requests that wait: they are woken, they end, and what nobody gets goes back."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from octo_platform.api.serving import guarded
from octo_platform.data import plane as data_plane, waiting
from tests.platform.asking import ANY, HERE, done, problem
from tests.platform.conftest import on_both


@pytest.fixture
async def far(served):
    """The keeper, over a real connection."""
    address, token = served
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{address}/data/v1", headers=headers, timeout=60) as found:
        yield found


async def waiting_for(plane, count):
    """Until so many requests wait."""
    async with asyncio.timeout(60):
        while sum(plane._patient.values()) != count:
            await asyncio.sleep(0.01)


@on_both
async def test_who_waits_is_woken(keeper, plane, spawn):
    asked = spawn(keeper.takes("q", wait=30))
    await waiting_for(plane, 1)
    await keeper.sends("q", b"1")
    await asked
    waits = [
        spawn(keeper.post("/queues/reply", params={"id": "x", "wait": 30})),
        spawn(keeper.get("/topics/events", params={"topic": "t", "after": 0, "wait": 30})),
    ]
    token = (await keeper.post("/leases/acquire", params={"name": "l", "ttl": 600})).json()["token"]
    waits.append(spawn(keeper.post("/leases/acquire", params={"name": "l", "ttl": 600, "wait": 30})))
    await done(keeper.post("/queues/ask", params={"queue": "r", "id": "x", "timeout": 60}))
    (asked,) = await keeper.takes("r")
    await waiting_for(plane, 3)
    about = {"messages": [{"number": asked["number"], "lent": asked["lent"], "size": 1}]}
    await done(keeper.post("/queues/ack", content=json.dumps(about).encode() + b"\n!"))
    await done(keeper.post("/topics/publish", params={"topic": "t"}, content=b"?"))
    await done(keeper.post("/leases/release", params={"name": "l", "token": token}))
    reply, events, lease = await asyncio.gather(*waits)
    assert (reply.content, events.content[-1:]) == (b"!", b"?")
    assert lease.json()["token"] > token


async def test_who_waits_is_woken_when_time_has_come(keeper, spawn):
    """By the end of a lease, or of a delay, without anybody who writes."""
    await keeper.sends("q", b"1", delay=0.2)
    (found,) = await keeper.takes("q", wait=30, lease=0.2)
    (again,) = await keeper.takes("q", wait=30)
    assert (found["attempt"], again["attempt"]) == (1, 2)
    await done(keeper.post("/leases/acquire", params={"name": "l", "ttl": 0.2}))
    assert (await keeper.post("/leases/acquire", params={"name": "l", "ttl": 1, "wait": 30})).json()["token"]


async def test_nothing_comes_in_time(keeper, spawn):
    assert await keeper.takes("q", wait=0.05) == []
    assert (await keeper.post("/queues/reply", params={"id": "x", "wait": 0.05})).status_code == 204
    found = await keeper.get("/topics/events", params={"topic": "t", "after": 3, "wait": 0.05})
    assert json.loads(found.content) == {"last": 3, "events": []}


@on_both
async def test_what_nobody_waits_for_any_more_is_given_to_nobody(far, keeper, plane, spawn):
    """A client that has gone takes no message, and holds no lease."""
    token = (await far.post("/leases/acquire", params={"name": "l", "ttl": 600})).json()["token"]
    waits = [
        spawn(far.post("/queues/receive", params={"queue": "q", "lease": 600, "wait": 30})),
        spawn(far.post("/leases/acquire", params={"name": "l", "ttl": 600, "wait": 30})),
    ]
    await waiting_for(plane, 2)
    for each in waits:
        each.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    await waiting_for(plane, 0)
    await keeper.sends("q", b"1")
    await done(keeper.post("/leases/release", params={"name": "l", "token": token}))
    (found,) = await keeper.takes("q")
    assert found["attempt"] == 1
    assert (await keeper.post("/leases/acquire", params={"name": "l", "ttl": 1})).json()["token"]


async def test_who_left_in_the_moment_of_getting_it_gives_it_back(keeper, plane):
    """The message was lent already when the client was found to have gone."""
    await keeper.sends("q", b"1")
    asker = await plane.askers.of(keeper.headers["Authorization"])

    class Gone:
        async def receive(self):
            return {"type": "http.disconnect"}

    looks = []

    async def look():
        looks.append(1)
        return data_plane.Look(None if len(looks) == 1 else "something")

    waited = await plane.patiently(Gone(), asker, "queue q", 30, look)
    assert (waited.found, waited.has_left, len(looks)) == (None, True, 1)


async def test_those_who_wait_go_when_the_platform_does(keeper, plane, spawn):
    waits = [spawn(keeper.takes("q", wait=30)) for _ in range(3)]
    await waiting_for(plane, 3)
    plane.close()
    assert await asyncio.gather(*waits) == [[], [], []]


async def test_one_that_waits_is_told_that_its_deployment_is_gone(keeper, plane, client, spawn):
    asked = spawn(keeper.post("/queues/receive", params={"queue": "q", "wait": 30}))
    await waiting_for(plane, 1)
    await done(client.delete(f"{HERE}/deployments/dev:orders", headers=ANY))
    plane.waiting.ring_all()
    assert await problem(asked) == "not-signed-in"


async def test_not_too_many_wait(keeper, plane, monkeypatch, spawn):
    """Of one deployment; others have their own room."""
    monkeypatch.setattr(data_plane, "MOST", 2)
    waits = [spawn(keeper.takes("q", wait=30)) for _ in range(2)]
    await waiting_for(plane, 2)
    assert await problem(keeper.post("/queues/receive", params={"queue": "q", "wait": 30})) == "busy"
    assert await keeper.takes("q") == []
    await keeper.be("other")
    assert await keeper.takes("q", wait=0.01) == []
    plane.close()
    await asyncio.gather(*waits)


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
async def test_what_another_process_writes_wakes_too(keeper, plane, installation, monkeypatch, spawn):
    """Several processes of the platform may serve one deployment; each looks for what others have written."""
    monkeypatch.setattr(waiting, "LOOK", 0.02)
    async with data_plane.opened(installation) as other:
        transport = httpx.ASGITransport(guarded(other))
        async with httpx.AsyncClient(transport=transport, base_url=keeper.base_url, headers=keeper.headers) as there:
            asked = spawn(keeper.takes("q", wait=30))
            await waiting_for(plane, 1)
            await asyncio.sleep(0.1)  # it has looked by now, and waits
            body = b'{"messages": [{"queue": "q", "id": "1", "size": 1}]}\n1'
            await done(there.post("/queues/send", content=body))
            (found,) = await asked
            assert found["value"] == b"1"
            asked = spawn(there.get("/topics/events", params={"topic": "t", "after": 0, "wait": 30}))
            await waiting_for(other, 1)
            await done(keeper.post("/topics/publish", params={"topic": "t"}, content=b"x"))
            assert (await asked).content.endswith(b"x")
